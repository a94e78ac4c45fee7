import { installAct } from "../../programs.ts";
import { prepareMachine } from "../harness.ts";
import { runWorkflow } from "./sandbox.ts";

/** Runs jobs of a workflow under act and shows their log: `node job.ts <workflow file> <act's options>...` */
const [workflow, ...options] = process.argv.slice(2);
if (workflow === undefined) throw new Error("usage: job.ts <workflow file> <act's options>...");
const machine = await prepareMachine();
const run = await runWorkflow(await installAct(console.error), machine, { workflow, options, onLine: console.log });
await run.dispose();
process.exitCode = run.exitCode ?? 1;
