/** The cause at the end of a Java stack trace, which is the deepest one. */
export function lastCause(trace: string): string | undefined {
  const causes = trace.split(/\r?\n/).filter((line) => /^Caused by: /.test(line));
  return causes.at(-1)?.slice("Caused by: ".length).trim();
}

/** The text in a serialized java.lang.String (Java Object Serialization Specification, section 6.4). */
export function readJavaString(bytes: Buffer): string | undefined {
  if (bytes.length < 7 || bytes.readUInt32BE(0) !== 0xaced0005) return undefined;
  const kind = bytes[4];
  if (kind === 0x74) return bytes.subarray(7, 7 + bytes.readUInt16BE(5)).toString();
  if (kind === 0x7c && bytes.length >= 13) return bytes.subarray(13, 13 + Number(bytes.readBigUInt64BE(5))).toString();
  return undefined;
}
