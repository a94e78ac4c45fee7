/** java.lang.String as Java's ObjectOutputStream writes it: with a length of two bytes, or of eight for a long one. */
export function writeJavaString(text: string, long: boolean): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(long ? 13 : 7);
  head.writeUInt32BE(0xaced0005);
  head[4] = long ? 0x7c : 0x74;
  if (long) head.writeBigUInt64BE(BigInt(bytes.length), 5);
  else head.writeUInt16BE(bytes.length, 5);
  return Buffer.concat([head, bytes]);
}
