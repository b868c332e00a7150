package main

import (
	"debug/elf"
	"fmt"
	"slices"
)

// machines are the processors of the architectures that Go names so.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// check returns an error unless the binary for an architecture is for that, and static: the image has no loader and no libc.
func (r release) check(arch string) error {
	path := r.binary("linux", arch)
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	defer file.Close()
	want, known := machines[arch]
	switch {
	case !known:
		return fmt.Errorf("-arch has %q: it must be amd64 or arm64", arch)
	case file.Machine != want:
		return fmt.Errorf("%s is for %s, not for %s", path, file.Machine, want)
	case slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }):
		return fmt.Errorf("%s is linked dynamically: build it with CGO_ENABLED=0", path)
	}
	return nil
}
