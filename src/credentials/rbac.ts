export type RbacMode = "torch" | "cluster-admin" | "none";

const ROLE = "torch-orchestrator";

/**
 * The objects that give the user its rights, as one list; `undefined` if there are none.
 *
 * `torch` is what TORCH-V2's connector does: deployments, services and pods in every namespace, and new
 * namespaces for its templates. A user who may create pods everywhere can become cluster-admin: it prevents mistakes, not
 * attacks.
 */
export function planRbac(mode: RbacMode, user: string): object | undefined {
  if (mode === "none") return undefined;
  const role = mode === "torch" ? ROLE : "cluster-admin";
  const binding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `${role}-${user}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
  };
  const verbs = ["create", "get", "list", "watch", "update", "patch", "delete"];
  const torchRole = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: ROLE },
    rules: [
      { apiGroups: ["apps"], resources: ["deployments"], verbs },
      { apiGroups: [""], resources: ["services", "pods"], verbs },
      { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
      { apiGroups: [""], resources: ["namespaces"], verbs: ["create", "get", "list", "watch"] },
    ],
  };
  return { apiVersion: "v1", kind: "List", items: mode === "torch" ? [torchRole, binding] : [binding] };
}
