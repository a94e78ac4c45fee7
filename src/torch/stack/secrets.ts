import { join } from "node:path";

/** The file that holds the password of the dashboard's account until post, which removes it from what it collects. */
export function accountPasswordPath(runDirectory: string): string {
  return join(runDirectory, "torch-password");
}
