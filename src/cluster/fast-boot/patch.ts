/**
 * The kubeadm patch of a fast boot. It has no apiVersion, and maps as extraArgs: kind merges that unchanged into kubeadm's
 * v1beta3, and by name into v1beta4 (kind's pkg/internal/patch/kubeadm_merge.go; every release that lists a version with
 * v1beta4 does so).
 */
export function fastBootPatch(): string {
  return JSON.stringify({
    kind: "ClusterConfiguration",
    controllerManager: {
      extraArgs: {
        "leader-elect": "false",
        "kube-api-qps": "100",
        "kube-api-burst": "200",
        controllers: "*,bootstrapsigner,tokencleaner,-nodeipam",
      },
    },
    scheduler: { extraArgs: { "leader-elect": "false" } },
    etcd: { local: { extraArgs: { "unsafe-no-fsync": "true" } } },
  });
}
