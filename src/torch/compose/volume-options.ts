import { posix } from "node:path";
import { printable } from "../../values/text.ts";
import { fieldOf, textOf } from "./fields.ts";

/**
 * What a volume's options make of it: the local driver passes them to mount(2), so a volume can be a folder of this machine,
 * a disk, or an overlay of any folder. `o: bind` makes it a folder whatever the type says.
 */
export function readVolumeOptions(
  volume: unknown,
): { readonly source: string | undefined } | { readonly power: string } {
  const driver = textOf(volume, "driver") ?? "local";
  if (driver !== "local") return { power: `a volume of the driver ${quote(driver)}` };
  const options = fieldOf(volume, "driver_opts");
  const device = textOf(options, "device") ?? "";
  if (device === "") return { source: undefined };
  const words = (textOf(options, "o") ?? "").split(",").map((word) => word.trim().replace(/=.*$/s, ""));
  const moving = words.find((word) => /^(?:move|remount)$/i.test(word));
  if (moving !== undefined) return { power: `a volume with the option ${quote(moving)}` };
  if (words.some((word) => /^r?bind$/i.test(word))) {
    // The kernel goes up from where a link leads, and Docker does not shorten the path first, as it does for a mount.
    if (device.split("/").includes("..")) return { power: `a volume of ${quote(device)}, which has .. in it` };
    // A path without a slash at its beginning starts at Docker's own working folder, which is the root.
    return { source: posix.resolve("/", device) };
  }
  const type = textOf(options, "type") ?? "";
  const allowed = Object.hasOwn(MOUNT_OPTIONS, type) ? MOUNT_OPTIONS[type] : undefined;
  if (allowed === undefined) return { power: `a volume of the type ${quote(type)}` };
  const other = words.find((word) => word !== "" && !COMMON_OPTIONS.test(word) && !allowed.test(word));
  return other === undefined ? { source: undefined } : { power: `a volume with the option ${quote(other)}` };
}

const quote = (text: string) => JSON.stringify(printable(text, 40));

/** Options of mount(2) and of each type (their man pages) that do not reach this machine's disks. */
const COMMON_OPTIONS =
  /^(?:defaults|r[ow]|a?sync|(?:no)?(?:exec|suid|dev)|(?:no|rel|strict)atime|nodiratime|dirsync|lazytime|_netdev)$/;
const NFS_OPTIONS =
  /^(?:(?:mount|client)?addr|(?:nfs|mount)?vers|minorversion|(?:mount)?(?:port|proto)|sec|soft|softerr|hard|(?:no)?(?:lock|resvport|ac|acl|cto|fsc|intr|sharecache|rdirplus)|timeo|retrans|retry|[rw]size|bsize|actimeo|ac(?:reg|dir)(?:min|max)|tcp|udp|rdma|nconnect|max_connect|local_lock|lookupcache|[bf]g)$/;
const CIFS_OPTIONS =
  /^(?:user(?:name)?|pass(?:word)?2?|dom(?:ain)?|guest|vers|addr|ip|port|sec|seal|sign|(?:force)?[ug]id|cruid|(?:file|dir)_mode|iocharset|(?:no)?(?:brl|perm|serverino|unix|setuids|dfs|posix|linux|mapposix|mapchars|handlecache|sharesock)|mfsymlinks|cache|actimeo|soft|hard|[rw]size|nostrictsync|(?:persistent|resilient)handles)$/;

/** Types of volumes that have nothing of this machine's disks in them, and the options that keep it that way. */
const MOUNT_OPTIONS: Readonly<Record<string, RegExp>> = {
  tmpfs: /^(?:size|mode|uid|gid|nr_inodes|nr_blocks|huge|mpol|inode32|inode64|noswap)$/,
  nfs: NFS_OPTIONS,
  nfs4: NFS_OPTIONS,
  cifs: CIFS_OPTIONS,
};
