// The cache server that nektos/act runs beside a workflow, alone: it prints its address, and serves until it is ended.
package main

import (
	"fmt"
	"os"

	"github.com/nektos/act/pkg/artifactcache"
)

func main() {
	server, err := artifactcache.StartHandler(os.Args[1], "", "127.0.0.1", 0, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cache server:", err)
		os.Exit(1)
	}
	fmt.Println(server.ExternalURL())
	select {}
}
