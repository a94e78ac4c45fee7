import { strFromU8, unzipSync } from "fflate";
import { describeError, type Problem } from "../../errors.ts";
import { readBounded, SizeError } from "../../values/files.ts";
import { printable } from "../../values/text.ts";
import { isLfsPointer } from "../template/archive.ts";

/** The files of a zip that Flowable deploys as processes; it takes others as resources. */
const PLAN = /\.bpmn(?:20\.xml)?$/i;

/** Of the zip, and of all plans in it, unpacked. */
export const MAX_PLANS_BYTES = 16 * 1024 * 1024;
const MAX_ENTRIES = 10_000;

const ALLOWED = "a zip of BPMN 2.0 files (*.bpmn20.xml)";

/** How much of a plan is looked at: its root element is at the beginning. */
const MAX_READ_BYTES = 512 * 1024;

/**
 * Reads the plans once. The engine gets exactly these bytes, minutes later: by then, a container that has the checkout
 * mounted may have put a link to another file there.
 */
export async function readPlans(
  path: string,
): Promise<{ readonly bytes: Buffer } | { readonly problems: readonly Problem[] }> {
  try {
    const bytes = await readBounded(path, MAX_PLANS_BYTES);
    const problems = checkPlans(path, bytes);
    return problems.length > 0 ? { problems } : { bytes };
  } catch (error) {
    if (!(error instanceof SizeError)) throw error;
    const problem = {
      input: "torch-bpmn-plans",
      value: path,
      reason: `is larger than ${error.maxBytes} bytes`,
      allowed: ALLOWED,
      fix: "remove what the plans do not need from the zip",
    };
    return { problems: [problem] };
  }
}

/** What is wrong with a zip of BPMN plans: Flowable names no file when it refuses one of them. */
export function checkPlans(path: string, zip: Uint8Array): readonly Problem[] {
  const refuse = (reason: string, fix: string): readonly Problem[] => [
    { input: "torch-bpmn-plans", value: path, reason, allowed: ALLOWED, fix },
  ];
  if (isLfsPointer(zip)) return refuse("is a Git LFS pointer, not the file", "check out with lfs: true");
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = unpackPlans(zip);
  } catch (error) {
    return refuse(`is not a zip archive that can be read: ${describeError(error)}`, "pack the plans again with zip");
  }
  const plans = Object.entries(files);
  if (plans.length === 0) return refuse("does not contain a *.bpmn20.xml file", "pack the plans into the zip's root");
  const broken = plans.filter(([, bytes]) => !isPlan(bytes));
  if (broken.length === 0) return [];
  const [name, bytes = new Uint8Array()] = broken[0] ?? ["", undefined];
  const start = printable(strFromU8(bytes.subarray(0, 60)).replace(/\s+/g, " ").trim());
  const others = broken.length > 1 ? `, and ${broken.length - 1} more like it` : "";
  return refuse(
    `contains ${printable(name)}, which is not BPMN (it begins with ${JSON.stringify(start)})${others}`,
    "fix that file",
  );
}

function unpackPlans(zip: Uint8Array): Readonly<Record<string, Uint8Array>> {
  let total = 0;
  let entries = 0;
  return unzipSync(zip, {
    filter: ({ name, originalSize }) => {
      entries += 1;
      if (entries > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
      if (!PLAN.test(name)) return false;
      total += originalSize;
      if (total > MAX_PLANS_BYTES) throw new Error(`its plans unpack to more than ${MAX_PLANS_BYTES} bytes`);
      return true;
    },
  });
}

function isPlan(bytes: Uint8Array): boolean {
  return /<(?:\w+:)?definitions[\s>]/.test(strFromU8(bytes.subarray(0, MAX_READ_BYTES)));
}
