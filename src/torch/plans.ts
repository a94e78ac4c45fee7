import { strFromU8, unzipSync } from "fflate";
import { describeError, type Problem } from "../failure.ts";
import { isLfsPointer } from "./template/csar.ts";

/** What Flowable deploys of a zip as a process; it takes other files as resources. */
const PLAN = /\.bpmn(?:20\.xml)?$/i;
const MAX_PLAN_BYTES = 16 * 1024 * 1024;

/** What is wrong with a zip of BPMN plans: Flowable names no file when it refuses one of them. */
export function checkPlans(path: string, zip: Uint8Array): readonly Problem[] {
  const refuse = (reason: string, fix: string): readonly Problem[] => [
    { input: "torch-bpmn-plans", value: path, reason, allowed: "a zip of BPMN 2.0 files (*.bpmn20.xml)", fix },
  ];
  if (isLfsPointer(zip)) return refuse("is a pointer of Git LFS, not the file", "check out with lfs: true");
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = unzipSync(zip, { filter: ({ name, originalSize }) => PLAN.test(name) && originalSize <= MAX_PLAN_BYTES });
  } catch (error) {
    return refuse(`is not a zip archive that can be read: ${describeError(error)}`, "pack the plans again with zip");
  }
  const plans = Object.entries(files);
  if (plans.length === 0) return refuse("has no *.bpmn20.xml in it", "pack the plans into the zip's root");
  const broken = plans.filter(([, bytes]) => !/<(?:\w+:)?definitions[\s>]/.test(strFromU8(bytes)));
  if (broken.length === 0) return [];
  const [name, bytes = new Uint8Array()] = broken[0] ?? ["", undefined];
  const start = strFromU8(bytes.subarray(0, 60)).replace(/\s+/g, " ").trim();
  const others = broken.length > 1 ? `; so are ${broken.length - 1} others` : "";
  return refuse(`has a ${name} that is not BPMN (it begins with ${JSON.stringify(start)})${others}`, "fix that file");
}
