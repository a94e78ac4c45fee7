import { type GenericSchema, type InferOutput, parse, safeParse } from "valibot";

/** Reads JSON of a known shape; what the schema does not name is left out. @throws where it is not JSON or of another shape. */
export function readJson<S extends GenericSchema>(schema: S, text: string): InferOutput<S> {
  return parse(schema, JSON.parse(text));
}

/** Reads JSON that may be anything; `undefined` where it is not JSON or of another shape. */
export function tryJson<S extends GenericSchema>(schema: S, text: string): InferOutput<S> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = safeParse(schema, value);
  return result.success ? result.output : undefined;
}
