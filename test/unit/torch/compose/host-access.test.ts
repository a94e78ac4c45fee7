import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readHostAccess } from "../../../../src/torch/compose/host-access.ts";
import type { ComposeService } from "../../../../src/torch/compose/model.ts";
import { bind, modelOf } from "./machine.ts";

test("a volume's options, a device, a config and compose's doubled dollars are read for what they mount", () => {
  const { mounts, powers } = readHostAccess(
    "c.yaml",
    modelOf(
      { volumes: [bind("/a/$$b"), { type: "volume", source: "v", target: "/v" }], devices: ["/dev/sda:/dev/sda:rwm"] },
      {
        volumes: {
          v: { driver_opts: { type: "none", o: "rw,bind", device: "/etc" } },
          overlay: {
            driver: "local",
            driver_opts: { type: "overlay", o: "lowerdir=/,upperdir=/u,workdir=/w", device: "o" },
          },
          disk: { driver_opts: { type: "ext4", device: "/dev/sda1" } },
          share: { driver_opts: { type: "nfs", o: "addr=192.0.2.1", device: ":/x" } },
          memory: { driver_opts: { type: "tmpfs", device: "tmpfs" } },
          plain: null,
        },
        configs: { c: { file: "/etc/shadow" } },
        secrets: { s: { environment: "HOME" } },
      },
    ),
  );
  assert.deepEqual(
    mounts.map(({ place, source }) => `${place} ${source}`),
    ["c.yaml: services.web /a/$b", "c.yaml: volumes.v /etc", "c.yaml: configs.c /etc/shadow"],
  );
  assert.deepEqual(
    powers.map(({ power }) => power),
    ["devices: /dev/sda", 'a volume of the type "overlay"', 'a volume of the type "ext4"'],
  );
});

test("what lets a container reach out is refused, and what every container may have is not", () => {
  const powersOf = (service: ComposeService) =>
    readHostAccess("c.yaml", modelOf(service)).powers.map(({ power }) => power);
  const hostile: readonly ComposeService[] = [
    { privileged: true },
    { use_api_socket: true },
    { pid: "host" },
    { ipc: "container:bologna-control-plane" },
    { userns_mode: "host" },
    { cgroup: "host" },
    { cap_add: ["SYS_ADMIN"] },
    { cap_add: ["CAP_SYSLOG"] },
    { cap_add: ["SYS_TIME"] },
    { cap_add: [" sys_module"] },
    { cap_add: ["all"] },
    ...["systempaths=unconfined", "seccomp:unconfined", "apparmor=unconfined", "label=disable", "label:type:spc_t"].map(
      (option) => ({ security_opt: [option] }),
    ),
    { security_opt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'] },
    { uts: "host" },
    { cgroup_parent: "system.slice" },
    { post_start: [{ command: ["sh"] }, { command: ["sh"], privileged: true }] },
    { pre_stop: [{ command: ["sh"], privileged: "true" }] },
    { develop: { watch: [{ path: ".", action: "sync+exec", exec: { command: ["sh"], privileged: true } }] } },
    { runtime: "/opt/shim" },
    { isolation: "hyperv" },
    { credential_spec: { file: "spec.json" } },
    { models: { llm: null } },
    { annotations: { "org.systemd.property.Slice": "'system.slice'" } },
    { logging: { driver: "syslog", options: { "syslog-address": "tcp://127.0.0.1:22" } } },
    { logging: { driver: "gelf" } },
    { devices: ["dev/sda:/dev/sda:rwm"] },
    { devices: [{ source: "/dev/dri/../sda", target: "/dev/sda" }] },
    { devices: [{ source: "/dev/nvidia0/../../dev/mem", target: "/dev/mem" }] },
    { devices: ["a/../dev/sda=x"] },
    { volumes_from: ["container:bologna-control-plane:rw"] },
    { devices: [{ source: "/dev/mem", target: "/dev/mem" }] },
    { device_cgroup_rules: ["b 8:* rwm"] },
  ];
  for (const service of hostile) assert.equal(powersOf(service).length, 1, JSON.stringify(service));
  const harmless: ComposeService = {
    privileged: false,
    cap_add: ["NET_BIND_SERVICE", "CHOWN", "SYS_PTRACE"],
    cap_drop: ["ALL"],
    pid: "service:db",
    volumes_from: ["db"],
    security_opt: ["no-new-privileges:true"],
    devices: ["/dev/dri:/dev/dri", "vendor.com/gpu=all", { source: "vendor.com/gpu=0", target: "vendor.com/gpu=0" }],
    runtime: "nvidia",
    annotations: { "org.opencontainers.image.title": "x" },
    post_start: [{ command: ["sh"], user: "root", privileged: false }],
    gpus: [{ count: 1 }],
  };
  assert.deepEqual(powersOf(harmless), []);
  for (const driver of ["json-file", "local", "none", "journald", ""]) {
    assert.deepEqual(powersOf({ logging: { driver, options: { "max-size": "1m" } } }), []);
  }
});

test("a volume is a folder of the machine by its options, whatever its type says", () => {
  const volume = (driver_opts: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) => {
    const access = readHostAccess("c.yaml", modelOf({}, { volumes: { v: { ...more, driver_opts } } }));
    return [...access.mounts.map(({ source }) => source), ...access.powers.map(({ power }) => power)].join();
  };
  for (const type of ["tmpfs", "nfs", "nfs4", "cifs", "none", ""]) {
    for (const o of ["bind", "rbind", "ro,bind", "addr=192.0.2.1, rbind"]) {
      assert.equal(volume({ type, o, device: "/" }), "/", `${type} ${o}`);
    }
    assert.match(volume({ type, o: "bind,remount", device: "/" }), /a volume with the option "remount"/);
    assert.match(volume({ type, o: "move", device: "/home" }), /a volume with the option "move"/);
  }
  assert.equal(volume({ type: "none", o: "bind", device: "etc" }), "/etc");
  assert.match(volume({ type: "none", o: "bind", device: "/ws/torch/link/../x" }), /^a volume of .* has \.\. in it$/);
  for (const [type, o] of [
    ["tmpfs", "lowerdir=/"],
    ["nfs", "upperdir=/etc"],
    ["cifs", "credentials=/etc/smb"],
    ["nfs", "rshared"],
  ] as const) {
    assert.match(volume({ type, o, device: "x" }), /^a volume with the option "[a-z]+"$/, `${type} ${o}`);
  }
  assert.match(volume({ type: "constructor", device: "x" }), /of the type "constructor"/);
  assert.match(volume({ mountpoint: "/" }, { driver: "local-persist" }), /a volume of the driver "local-persist"/);
  const word = fc.constantFrom("ro", "rw", "size=1m", "addr=192.0.2.1", "noexec", "", "x");
  const type = fc.constantFrom("tmpfs", "nfs", "cifs", "none", "ext4", "");
  const around = fc.tuple(fc.array(word), fc.constantFrom("bind", "rbind", "remount", "move", " BIND"), fc.array(word));
  fc.assert(
    fc.property(type, around, (name, [before, binding, after]) => {
      const o = [...before, binding, ...after].join(",");
      assert.match(
        volume({ type: name, o, device: "/etc" }),
        /^(?:\/etc$|a volume with the option "(?:remount|move)")/,
      );
    }),
  );
  for (const honest of [
    { size: "10g" },
    { type: "tmpfs", device: "tmpfs", o: "size=100m,uid=1000,mode=0700,noexec" },
    { type: "nfs", device: ":/x", o: "addr=192.0.2.1,rw,nfsvers=4,nolock,soft" },
    { type: "cifs", device: "//192.0.2.1/x", o: "username=a,password=b,vers=3.0,uid=0,file_mode=0777" },
  ]) {
    assert.equal(volume(honest), "", JSON.stringify(honest));
  }
});
