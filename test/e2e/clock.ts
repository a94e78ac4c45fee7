/**
 * A fake of another machine's clock, for `node --import`: the time that this process reads is CLOCK_OFFSET_SECONDS off. The
 * kernel has one clock of the day for all of its containers (time_namespaces(7): only CLOCK_MONOTONIC and CLOCK_BOOTTIME can
 * differ), and a program of Go's asks it without the C library, which libfaketime needs. So no node can have another clock
 * than its engine's machine, but the step's machine can.
 */
const offset = Number(process.env.CLOCK_OFFSET_SECONDS ?? "0") * 1000;
const { now } = Date;
const shifted = () => now() + offset;

globalThis.Date = new Proxy(Date, {
  construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [shifted()] : args, self),
  get: (target, name, self) => (name === "now" ? shifted : Reflect.get(target, name, self)),
});
