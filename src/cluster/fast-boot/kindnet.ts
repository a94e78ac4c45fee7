/** Where kindnetd writes its network configuration on every node (kind's images/kindnetd/cmd/kindnetd/cni.go). */
export const KINDNET_CONFIGURATION = "/etc/cni/net.d/10-kindnet.conflist";

/**
 * kindnetd's configuration for one IPv4 subnet, byte for byte: its template has not changed since 2020, and kindnetd does
 * not rewrite a file that is already as it would write it. `%s` stands for the MTU of the node's eth0.
 */
export function renderKindnetConfiguration(podSubnet: string): string {
  return `
{
	"cniVersion": "0.3.1",
	"name": "kindnet",
	"plugins": [
	{
		"type": "ptp",
		"ipMasq": false,
		"ipam": {
			"type": "host-local",
			"dataDir": "/run/cni-ipam-state",
			"routes": [
				
				
				{ "dst": "0.0.0.0/0" }
			],
			"ranges": [
				
				
				[ { "subnet": "${podSubnet}" } ]
			]
		}
		,
		"mtu": %s
		
	},
	{
		"type": "portmap",
		"capabilities": {
			"portMappings": true
		}
	}
	]
}
`;
}

/** Arguments of `kubectl get` that list the images of kindnetd's pods. */
export const KINDNET_PODS = [
  ...["pods", "--namespace=kube-system", "--selector=k8s-app=kindnet"],
  "--output=custom-columns=:.spec.containers[0].image",
];

/** Whether an image is kindnetd's, by its name. */
export function isKindnetd(image: string): boolean {
  return /(?:^|\/)kindnetd[:@]/.test(image.trim());
}
