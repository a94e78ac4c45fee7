import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StepResult } from "../../scripts/local/runner.ts";
import { errorOf, fault, faultsAtOnce, logOf } from "./fault.ts";
import { type ActionRun, sh } from "./harness.ts";
import { type Answer, INSTALL_ONLY, type Mirror, type MirrorOptions, send, startMirror, TOOL } from "./mirror.ts";

const PAGE = "<!doctype html><html><body>Please sign in</body></html>";

interface DownloadFault extends MirrorOptions {
  readonly cause: string;
  readonly when?: string;
  readonly sees: string;
  readonly seconds: number;
  readonly run?: (mirror: Mirror, step: ActionRun) => Promise<StepResult>;
  readonly check: (result: StepResult, mirror: Mirror) => void;
}

/** A fault of the mirror that kind is downloaded from. */
function download({ cause, when = "while kind is downloaded", sees, seconds, ...rest }: DownloadFault): void {
  fault({ area: "Downloads", cause, when, sees, seconds }, async ({ prepare }) => {
    const mirror = await startMirror(rest);
    try {
      const step = await prepare(INSTALL_ONLY);
      const run = rest.run ?? ((each, prepared) => each.install(prepared));
      rest.check(await run(mirror, step), mirror);
    } finally {
      mirror.close();
    }
  });
}

/** Sends a part of the tool, and then does something else to the connection. */
const half =
  (then: Answer): Answer =>
  (response) => {
    response.writeHead(200, { "content-length": TOOL.length });
    response.write(TOOL.subarray(0, 1000), () => then(response));
  };

const recovered = (result: StepResult) => assert.equal(result.exitCode, 0, logOf(result));

faultsAtOnce("downloads", () => {
  download({
    cause: "the connection is cut in the middle",
    sees: "nothing: it is downloaded again from the start",
    seconds: 60,
    kind: [half((response) => void response.destroy()), send(TOOL)],
    check: recovered,
  });
  download({
    cause: "the connection is cut in the middle, each time",
    sees: "an error after three tries, with the address",
    seconds: 90,
    kind: [half((response) => void response.destroy())],
    check: (result, mirror) => {
      assert.match(errorOf(result), /Downloading kind from http:\S+ failed: .*aborted/);
      assert.equal(mirror.asked.length, 3);
    },
  });
  download({
    cause: "the server sends a part and then nothing more",
    sees: "nothing: after 30 s without a byte it is downloaded again",
    seconds: 120,
    kind: [half(() => undefined), send(TOOL)],
    check: recovered,
  });
  download({
    cause: "the answer ends before its Content-Length",
    sees: "nothing: it is downloaded again",
    seconds: 60,
    kind: [(response) => raw(response, `Content-Length: ${TOOL.length}`, TOOL.subarray(0, -1)), send(TOOL)],
    check: recovered,
  });
  download({
    cause: "the answer's Content-Length is too short",
    sees: "an error with both checksums; nothing is installed",
    seconds: 60,
    kind: [(response) => raw(response, "Content-Length: 100", TOOL)],
    check: (result) => assert.match(errorOf(result), /has the SHA-256 \w{64}, but the catalog says \w{64}/),
  });
  download({
    cause: "429 with Retry-After: 12",
    sees: "nothing: it is asked for again after 12 s",
    seconds: 60,
    kind: [send("slow down", 429, { "retry-after": "12" }), send(TOOL)],
    check: (result, { asked: [first = 0, second = 0] }) => {
      recovered(result);
      assert.ok(second - first > 11_900, `${second - first} ms`);
    },
  });
  download({
    cause: "429 with Retry-After: 3600",
    sees: "an error at once that says for how long the server wants no more requests",
    seconds: 30,
    kind: [send("slow down", 429, { "retry-after": "3600" })],
    check: (result, { asked }) => {
      const error = errorOf(result);
      assert.match(error, /429/);
      assert.match(error, /3600 s/);
      assert.equal(asked.length, 1);
    },
  });
  download({
    cause: "503, then the file",
    sees: "nothing: it is asked for again",
    seconds: 60,
    kind: [send("busy", 503), send(TOOL)],
    check: recovered,
  });
  download({
    cause: "a sign-in page with 200 in place of kind",
    sees: "an error with both checksums, which says that a proxy may be in between; nothing is installed",
    seconds: 30,
    kind: [send(PAGE)],
    check: (result) => assert.match(errorOf(result), /but the catalog says \w{64}[\s\S]*Fix: .*proxy/),
  });
  download({
    cause: "a sign-in page with 200 in place of the checksum",
    when: "while kind is downloaded, with a catalog that has no checksum of it",
    sees: "an error with the address: not a checksum file",
    seconds: 30,
    kind: [send(TOOL)],
    checksum: send(PAGE),
    run: (mirror, step) => mirror.installUnverified(step),
    check: (result) => assert.match(errorOf(result), /sha256sum is not a checksum file of kind-linux-/),
  });
  download({
    cause: "another file than the published checksum's",
    when: "while kind is downloaded, with a catalog that has no checksum of it",
    sees: "an error with both checksums and the address of the checksum file; nothing is installed",
    seconds: 30,
    kind: [send("#!/bin/sh\n")],
    run: (mirror, step) => mirror.installUnverified(step),
    check: (result) => assert.match(errorOf(result), /has the SHA-256 \w{64}, but http:\S+sha256sum says \w{64}/),
  });
  download({
    cause: "redirects without an end",
    sees: "an error: more than 10 redirects",
    seconds: 30,
    kind: [(response) => response.writeHead(302, { location: "?again" }).end()],
    check: (result) => assert.match(errorOf(result), /more than 10 redirects/),
  });
  fault(
    {
      area: "Downloads",
      cause: "a redirect from https to http",
      when: "while kind is downloaded",
      sees: "an error: refused",
      seconds: 30,
    },
    async ({ prepare }) => {
      await withCertificate(async (certificate, trusted) => {
        const elsewhere = await startMirror({ kind: [send(TOOL)] });
        const away: Answer = (response) => response.writeHead(302, { location: `${elsewhere.base}/kind` }).end();
        const mirror = await startMirror({ kind: [away], certificate });
        try {
          const result = await mirror.install(await prepare(INSTALL_ONLY), { environment: trusted });
          assert.match(errorOf(result), /redirected from https: to http:, which is refused/);
        } finally {
          mirror.close();
          elsewhere.close();
        }
      });
    },
  );
  fault(
    {
      area: "Downloads",
      cause: "a certificate that this machine does not trust",
      when: "while kind is downloaded",
      sees: "an error at once that says how to trust it",
      seconds: 30,
    },
    async ({ prepare }) => {
      await withCertificate(async (certificate) => {
        const mirror = await startMirror({ kind: [send(TOOL)], certificate });
        try {
          const error = errorOf(await mirror.install(await prepare(INSTALL_ONLY)));
          assert.match(error, /Downloading kind\S* from https:\S+ failed: .*certificate/);
          assert.match(error, /Fix: .*NODE_EXTRA_CA_CERTS/);
        } finally {
          mirror.close();
        }
      });
    },
  );
  download({
    cause: "a host name that does not resolve",
    sees: "an error after three tries, with the name",
    seconds: 120,
    kind: [],
    run: (mirror, step) => mirror.install(step, { inputs: { "kind-mirror": "https://mirror.invalid" } }),
    check: (result) => assert.match(errorOf(result), /mirror\.invalid\S* failed: .*(?:ENOTFOUND|EAI_AGAIN)/),
  });
  fault(
    {
      area: "Downloads",
      cause: "a proxy that is not an address",
      when: "while kind is downloaded",
      sees: "an error that names the variable",
      seconds: 90,
    },
    async ({ prepare }) => {
      const mirror = await startMirror({ kind: [] });
      try {
        const result = await mirror.install(await prepare(INSTALL_ONLY), {
          environment: { HTTPS_PROXY: "::::", https_proxy: "" },
          inputs: { "kind-mirror": "https://mirror.example" },
        });
        assert.match(errorOf(result), /Fix: .*HTTPS_PROXY/);
      } finally {
        mirror.close();
      }
    },
  );
  for (const { cause, answer } of [
    { cause: "a proxy that refuses", answer: "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" },
    { cause: "a proxy that asks for a password", answer: "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n" },
    { cause: "a proxy that closes the connection", answer: "" },
  ]) {
    fault(
      {
        area: "Downloads",
        cause,
        when: "while kind is downloaded",
        sees: "an error after three tries that names the proxy",
        seconds: 90,
      },
      async ({ prepare }) => {
        const proxy = createServer((socket) => {
          socket.on("error", () => undefined);
          socket.once("data", () => socket.end(answer));
        });
        await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
        const { port }: AddressInfo = Object(proxy.address());
        const mirror = await startMirror({ kind: [] });
        try {
          const result = await mirror.install(await prepare(INSTALL_ONLY), {
            environment: { HTTPS_PROXY: `http://user:secret-word@127.0.0.1:${port}`, https_proxy: "" },
            inputs: { "kind-mirror": "https://mirror.example" },
          });
          const error = errorOf(result);
          assert.match(error, new RegExp(`Fix: .*HTTPS_PROXY=http://127\\.0\\.0\\.1:${port}`));
          assert.doesNotMatch(logOf(result), /secret-word/);
        } finally {
          mirror.close();
          proxy.close();
        }
      },
    );
  }
});

/** An answer as it stands on the wire: the server's own checks of a length are not asked. */
function raw({ socket }: Parameters<Answer>[0], header: string, body: Buffer): void {
  socket?.write(`HTTP/1.1 200 OK\r\n${header}\r\nConnection: close\r\n\r\n`);
  socket?.end(body);
}

/** Makes a certificate for this machine's loopback, and the variable with which a step trusts it. */
async function withCertificate(
  use: (certificate: { readonly key: Buffer; readonly cert: Buffer }, trusted: Record<string, string>) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "kind-torch-certificate-"));
  const [key, cert] = ["key", "crt"].map((name) => join(folder, `mirror.${name}`));
  try {
    const names = ["-subj", "/CN=mirror", "-addext", "subjectAltName=IP:127.0.0.1"];
    await sh("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      ...names,
      "-keyout",
      `${key}`,
      "-out",
      `${cert}`,
    ]);
    await use({ key: await readFile(`${key}`), cert: await readFile(`${cert}`) }, { NODE_EXTRA_CA_CERTS: `${cert}` });
  } finally {
    await rm(folder, { recursive: true });
  }
}
