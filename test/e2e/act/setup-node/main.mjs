// The Node.js that this runs under is the one that act finds first in PATH, and so do the steps after it.
const wanted = process.env["INPUT_NODE-VERSION"];
if (wanted !== process.versions.node) {
  console.log(`::error::Node.js ${process.versions.node} is here, ${wanted} is asked for.`);
  process.exitCode = 1;
}
