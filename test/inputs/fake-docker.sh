#!/bin/sh
# A fake of Docker's client, written from what kind asks it until it starts kubeadm (kind's
# pkg/cluster/internal/providers/docker and create/actions): each container runs at once. kubeadm does not start, and a
# file says that kind came so far: it has accepted its configuration.
state=$FAKE_DOCKER_STATE
case "$1 $2" in
"info --format")
  case "$3" in
  "{{json .}}") echo '{"CgroupDriver":"systemd","CgroupVersion":"2","MemoryLimit":true,"PidsLimit":true,"CPUShares":true,"SecurityOptions":[]}' ;;
  *) echo "'[]'" ;;
  esac ;;
"info -f")
  case "$3" in
  "{{.Driver}}") echo overlay2 ;;
  *) echo '[["Backing Filesystem","extfs"]]' ;;
  esac ;;
"ps -a") cat "$state/names" 2>/dev/null || : ;;
"network ls") echo kind ;;
"network inspect") echo 172.18.0.0/16 ;;
"inspect --type=image") ;;
"inspect --format") cat "$state/role.$4" ;;
"inspect -f") echo 172.18.0.2,fc00:f853:ccd:e793::2 ;;
"run --name")
  name=$3
  for word; do
    case "$word" in io.x-k8s.kind.role=*) echo "${word#*=}" >"$state/role.$name" ;; esac
  done
  echo "$name" >>"$state/names" ;;
"logs -f") echo "Reached target Multi-User System." ;;
"exec --privileged")
  shift 2
  if [ "$1" = -i ]; then
    shift
    cat >/dev/null
  fi
  case "$2 $3" in
  "cat /kind/version") echo "$FAKE_DOCKER_KUBERNETES" ;;
  "cat /etc/containerd/config.toml") printf 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "a:1"\n' ;;
  "kubeadm init") touch "$state/accepted"; exit 1 ;;
  esac ;;
*)
  echo "fake-docker has no answer to: $*" >&2
  exit 64 ;;
esac
