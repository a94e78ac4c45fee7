import { KIND_CLUSTER_LABEL } from "../docker/labels.ts";

/**
 * cloud-provider-kind serves every kind cluster that Docker has, and when it ends it removes every load balancer that
 * Docker has (its pkg/controller/controller.go); no option limits it. All that it knows of Docker comes
 * from the program `docker`, so in its container this script has that name. It shows one cluster, and of the load
 * balancers those of this run. It marks each load balancer as this run's, has it run the catalog's image, and publishes
 * none of its ports on the machine, among them that of Envoy's administration: what needs them is in kind's network too.
 *
 * The API server's port on this machine is not for the provider: where that answers first, it looks for the load
 * balancers on 127.0.0.1, which is its own container.
 */
export const NARROWED_DOCKER = `#!/bin/sh
case "$1" in
  ps)
    case "$*" in
      *label=${KIND_CLUSTER_LABEL}*) own="label=${KIND_CLUSTER_LABEL}=$KIND_TORCH_CLUSTER" ;;
      *) own="label=$KIND_TORCH_LABEL" ;;
    esac
    exec "$KIND_TORCH_DOCKER" "$@" "--filter=$own"
    ;;
  inspect)
    case "$*" in
      *'.NetworkSettings.Ports "6443/tcp"'*)
        printf '127.0.0.1\\t1\\n'
        exit 0
        ;;
    esac
    ;;
  run)
    shift
    left=$#
    option=
    while [ "$left" -gt 0 ]; do
      argument=$1
      shift
      left=$((left - 1))
      # Its value is a Service's loadBalancerIP, which may be any text.
      [ "$option" = --ip ] || case "$argument" in
        --publish=* | --publish-all) continue ;;
        docker.io/envoyproxy/envoy:*) argument=$KIND_TORCH_PROXY ;;
      esac
      set -- "$@" "$argument"
      option=$argument
    done
    exec "$KIND_TORCH_DOCKER" run --pull=never "--label=$KIND_TORCH_LABEL" "--label=$KIND_TORCH_MARK" "$@"
    ;;
esac
exec "$KIND_TORCH_DOCKER" "$@"
`;

/**
 * Puts the script, its first argument, before Docker's client, and becomes the provider with the other arguments. The socket
 * may be that of another engine, which does not know this container: an engine that is asked by TCP need not have one.
 */
export const ENTRY = `
set -e
mkdir -p /kind-torch
printf %s "$1" > /kind-torch/docker
chmod 755 /kind-torch/docker
shift
KIND_TORCH_DOCKER=$(command -v docker) || { echo "sh: docker: not found" >&2; exit 127; }
"$KIND_TORCH_DOCKER" inspect --type=container --format=known "$HOSTNAME" > /dev/null || {
  echo "sh: the Docker Engine at this socket is not the one that runs this container, or does not answer" >&2
  exit 1
}
PATH=/kind-torch:$PATH
export KIND_TORCH_DOCKER PATH
exec cloud-provider-kind "$@"
`.trim();
