// One program that is, by its first word, etcd, kube-apiserver, kube-controller-manager, kubectl or helm: linked once,
// since four fifths of each are the same packages. Nothing of ours may come in here but the choice.
package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	helm "helm.sh/helm/v4/pkg/cmd"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "which? etcd, kube-apiserver, kube-controller-manager, kubectl, helm")
		os.Exit(2)
	}
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	case "kubectl":
		os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
	case "helm":
		os.Exit(runHelm(os.Args[1:]))
	default:
		fmt.Fprintf(os.Stderr, "no such program here: %s\n", os.Args[0])
		os.Exit(2)
	}
}

// As helm's own main does it.
func runHelm(words []string) int {
	kube.ManagedFieldsManager = "helm"
	command, err := helm.NewRootCmd(os.Stdout, words, helm.SetupLogging)
	if err != nil {
		slog.Warn("command failed", slog.Any("error", err))
		return 1
	}
	if err := command.Execute(); err != nil {
		if told, ok := errors.AsType[helm.CommandError](err); ok {
			return told.ExitCode
		}
		return 1
	}
	return 0
}
