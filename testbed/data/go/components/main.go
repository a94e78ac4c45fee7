// Seven programs in one file: they share nearly all of their code, so one link (and one copy on disk)
// does what would otherwise be done six times. The name it is called by decides which one runs.
//
// The packages below are Kubernetes' own main packages, renamed while building (see kubernetes.ts).
package main

import (
	"fmt"
	"os"
	"path/filepath"

	kubeadm "bed/components/kubeadm"
	apiserver "bed/components/kubeapiserver"
	controllermanager "bed/components/kubecontrollermanager"
	kubelet "bed/components/kubelet"
	proxy "bed/components/kubeproxy"
	scheduler "bed/components/kubescheduler"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "kube-apiserver":
		apiserver.Main()
	case "kube-controller-manager":
		controllermanager.Main()
	case "kube-scheduler":
		scheduler.Main()
	case "kube-proxy":
		proxy.Main()
	case "kubelet":
		kubelet.Main()
	case "kubeadm":
		kubeadm.Main()
	default:
		fmt.Fprintf(os.Stderr, "no Kubernetes component is called %q\n", name)
		os.Exit(2)
	}
}
