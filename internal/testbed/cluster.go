package testbed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Cluster is a number of alloy-okta processes that form an Alloy cluster over loopback, with one configuration. Each keeps its storage
// and its addresses when it is started again.
type Cluster struct {
	Bin    string   // alloy-okta
	Dir    string   // an existing folder for the nodes' storage and logs
	Config string   // the configuration's file
	Env    []string // "KEY=value", in addition to this program's own environment
	Flags  []string // of alloy-okta run, beside those that make a cluster

	Nodes []*Node
}

// Node is one process of a Cluster.
type Node struct {
	Name string
	Addr string // where it listens
	Link *Link  // what the others reach it through

	*Process // nil before it was started

	cluster *Cluster
}

// Add adds a node, which is not started.
func (c *Cluster) Add() (*Node, error) {
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	n := &Node{Name: fmt.Sprintf("node%d", len(c.Nodes)+1), Addr: addr, cluster: c}
	if n.Link, err = newLink(n); err != nil {
		return nil, err
	}
	c.Nodes = append(c.Nodes, n)
	return n, nil
}

// Start starts a node and waits until it is ready, or ctx ends. It joins those that were added before and run.
func (n *Node) Start(ctx context.Context) error {
	var join []string
	for _, other := range n.cluster.Nodes {
		if other.Process != nil || other == n {
			join = append(join, other.Link.Addr())
		}
	}
	args := []string{
		"run", "--disable-reporting", "--server.http.listen-addr=" + n.Addr, "--storage.path=" + filepath.Join(n.cluster.Dir, n.Name),
		"--cluster.enabled", "--cluster.name=okta", "--cluster.node-name=" + n.Name, "--cluster.advertise-address=" + n.Link.Addr(),
		"--cluster.join-addresses=" + strings.Join(join, ","), "--cluster.rejoin-interval=5s",
	}
	process, err := Command{
		Name: n.Name, Path: n.cluster.Bin, Args: slices.Concat(args, n.cluster.Flags, []string{n.cluster.Config}), Env: n.cluster.Env,
		LogFile: filepath.Join(n.cluster.Dir, n.Name+".log"),
	}.Start()
	if err != nil {
		return err
	}
	n.Process = process
	return process.Ready(ctx, "http://"+n.Addr+"/-/ready")
}

// Close ends all nodes, as a power cut would.
func (c *Cluster) Close() {
	for _, n := range c.Nodes {
		if n.Process != nil {
			n.Kill()
		}
		n.Link.close()
	}
}

// Isolate cuts a node off from all others, in both directions, or ends that.
func (c *Cluster) Isolate(node *Node, cut bool) {
	for _, n := range c.Nodes {
		n.Link.cut(node, cut)
	}
}

// has reports whether a process of this machine has the socket with a number (Linux).
func has(pid int, inode string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		return err == nil && to == "socket:["+inode+"]"
	})
}
