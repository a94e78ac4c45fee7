// The part of crictl that kind calls (crictl itself is not to be had as a Go module): `images` for
// `kind export logs`, `inspecti` for `kind load`, and `ps` and `pods` for whoever looks into a node.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const endpoint = "unix:///run/containerd/containerd.sock"

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crictl:", err)
		os.Exit(1)
	}
}

func command(arguments []string) error {
	words := slices.DeleteFunc(slices.Clone(arguments), func(word string) bool { return strings.HasPrefix(word, "-") })
	if len(words) == 0 {
		return errors.New("usage: crictl images | inspecti <image> | ps | pods")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	connection, err := grpc.DialContext(ctx, endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	images, runtime := cri.NewImageServiceClient(connection), cri.NewRuntimeServiceClient(connection)
	switch {
	case words[0] == "images":
		return listImages(ctx, images)
	case words[0] == "inspecti" && len(words) == 2:
		return inspectImage(ctx, images, words[1])
	case words[0] == "ps":
		return listContainers(ctx, runtime)
	case words[0] == "pods":
		return listPods(ctx, runtime)
	default:
		return fmt.Errorf("this small crictl does not know %q", strings.Join(arguments, " "))
	}
}

func listImages(ctx context.Context, client cri.ImageServiceClient) error {
	answer, err := client.ListImages(ctx, &cri.ListImagesRequest{})
	if err != nil {
		return err
	}
	rows := [][]string{{"IMAGE", "IMAGE ID"}}
	for _, image := range answer.GetImages() {
		rows = append(rows, []string{strings.Join(image.GetRepoTags(), ","), image.GetId()})
	}
	return table(rows)
}

func inspectImage(ctx context.Context, client cri.ImageServiceClient, name string) error {
	answer, err := client.ImageStatus(ctx, &cri.ImageStatusRequest{Image: &cri.ImageSpec{Image: name}})
	if err != nil {
		return err
	}
	image := answer.GetImage()
	if image == nil {
		return fmt.Errorf("no such image %q present", name)
	}
	status := map[string]any{"id": image.GetId(), "repoTags": image.GetRepoTags(), "repoDigests": image.GetRepoDigests()}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(map[string]any{"status": status})
}

func listContainers(ctx context.Context, client cri.RuntimeServiceClient) error {
	answer, err := client.ListContainers(ctx, &cri.ListContainersRequest{})
	if err != nil {
		return err
	}
	rows := [][]string{{"CONTAINER", "NAME", "STATE", "ATTEMPT", "POD ID"}}
	for _, container := range answer.GetContainers() {
		metadata := container.GetMetadata()
		rows = append(rows, []string{container.GetId(), metadata.GetName(), container.GetState().String(), fmt.Sprint(metadata.GetAttempt()), container.GetPodSandboxId()})
	}
	return table(rows)
}

func listPods(ctx context.Context, client cri.RuntimeServiceClient) error {
	answer, err := client.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{})
	if err != nil {
		return err
	}
	rows := [][]string{{"POD ID", "STATE", "NAME", "NAMESPACE"}}
	for _, pod := range answer.GetItems() {
		rows = append(rows, []string{pod.GetId(), pod.GetState().String(), pod.GetMetadata().GetName(), pod.GetMetadata().GetNamespace()})
	}
	return table(rows)
}

func table(rows [][]string) error {
	writer := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(writer, strings.Join(row, "\t"))
	}
	return writer.Flush()
}
