// The pod network of the bed's clusters: what kindnetd does on a real kind node, written small because
// kindnetd is not to be had as a Go module. On each node it
//   - writes the CNI configuration for that node's own pod CIDR,
//   - keeps a route to the pod CIDR of every other node through that node's address,
//   - masquerades what pods send to addresses outside the pod network.
package main

import (
	"context"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// resync repairs what somebody else changed (a flushed table, a deleted route) without an event.
const resync = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	client, err := connect(os.Getenv("CONTROL_PLANE_ENDPOINT"))
	if err != nil {
		log.Fatal(err)
	}
	self := os.Getenv("NODE_NAME")
	subnets := parseSubnets(os.Getenv("POD_SUBNET"))

	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes()
	wake := make(chan struct{}, 1)
	poke := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	if _, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { poke() },
		UpdateFunc: func(before, after any) { pokeOnChange(before, after, poke) },
		DeleteFunc: func(any) { poke() },
	}); err != nil {
		log.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	repair := time.NewTicker(resync)
	defer repair.Stop()
	for {
		all, err := nodes.Lister().List(labels.Everything())
		if err == nil {
			err = reconcile(self, subnets, all)
		}
		if err != nil {
			log.Print(err)
			time.AfterFunc(time.Second, poke)
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-repair.C:
		}
	}
}

// connect talks to the control plane by the address that kind puts into the manifest, because the
// service address needs kube-proxy, which may start later.
func connect(endpoint string) (kubernetes.Interface, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	if endpoint != "" {
		config.Host = "https://" + endpoint
	}
	return kubernetes.NewForConfig(config)
}

func pokeOnChange(before, after any, poke func()) {
	b, okB := before.(*corev1.Node)
	a, okA := after.(*corev1.Node)
	if okB && okA && sameNetwork(b, a) {
		return // heartbeats change the status every few seconds
	}
	poke()
}

func reconcile(self string, subnets []*net.IPNet, nodes []*corev1.Node) error {
	for _, node := range nodes {
		if node.Name == self {
			if err := writeConfiguration(podCIDRs(node)); err != nil {
				return err
			}
		}
	}
	if err := routeTo(self, nodes); err != nil {
		return err
	}
	return masquerade(subnets)
}
