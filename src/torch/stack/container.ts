import type { ContainerState } from "../../docker/container-state.ts";

/** A container that Docker has restarted this often will not serve either. */
const MAX_RESTARTS = 3;

/** Why a container will not serve any more; `undefined` if it may. */
export function findEnd({ status, exitCode, restarts, outOfMemory }: ContainerState): string | undefined {
  const why = `exit code ${exitCode}${outOfMemory ? ", killed because the machine ran out of memory" : ""}`;
  if (status === "absent") return "was removed";
  if (status === "exited" || status === "dead") return `ended (${why})`;
  return restarts >= MAX_RESTARTS ? `keeps ending (${restarts} restarts, ${why})` : undefined;
}

const SHELL = /^(?:\S*\/)?(?:ba|da|a|z|k)?sh\b|^(?:\S*\/)?(?:tini|dumb-init|docker-init|busybox (?:a|ba)?sh)\b/;
const ENDLESS = /^(?:\S*\/)?(?:sleep inf(?:inity)?|tail -f \/dev\/null)\b/;

/**
 * Whether a container runs nothing but a shell and an endless sleep: its script went on although a program had failed.
 * @param commands the command lines of its processes.
 */
export function hasNoProgram(commands: readonly string[]): boolean {
  const alive = commands.filter((command) => !command.endsWith(" <defunct>"));
  const endless = alive.filter((command) => ENDLESS.test(command));
  return endless.length > 0 && alive.every((command) => endless.includes(command) || SHELL.test(command));
}
