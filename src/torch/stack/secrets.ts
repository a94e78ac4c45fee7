import { join } from "node:path";

/** Where the password of the account at the dashboard is kept until post: what is collected must not hold it. */
export function accountPasswordPath(runDirectory: string): string {
  return join(runDirectory, "torch-password");
}
