import type { InputSet } from "./plan.ts";

/** Sets that did not end as promised when they were first tried. */
export const FOUND: readonly InputSet[] = [];
