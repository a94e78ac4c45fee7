import { escapeText, LINE_END, makeVisible, startLine } from "./escape.ts";
import { fenceLines } from "./fence.ts";
import { OUTPUT_INDENT } from "./size.ts";

/** A message line by line: what is indented is the output of a program, and goes into a code block. */
export function messageLines(message: string): readonly string[] {
  const lines = message.split(/\r?\n/);
  const rendered: (readonly string[])[] = [];
  let output: string[] = [];
  const endOutput = () => {
    if (output.length > 0) rendered.push(fenceLines("text", output));
    output = [];
  };
  for (const [index, line] of lines.entries()) {
    const between = line === "" && output.length > 0 && (lines[index + 1]?.startsWith(OUTPUT_INDENT) ?? false);
    if (between || line.startsWith(OUTPUT_INDENT)) {
      output.push(line.slice(OUTPUT_INDENT.length));
      continue;
    }
    endOutput();
    rendered.push(line.split(LINE_END).map((each) => `${startLine(escapeText(makeVisible(each)))}<br>`));
  }
  endOutput();
  return rendered.flat();
}
