package main

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"fmt"
	"io"
	"slices"
)

// machines are the processors that the binaries of a system may be for, as these say it, by Go's names.
var machines = map[string]map[string]string{
	"linux":   {"amd64": elf.EM_X86_64.String(), "arm64": elf.EM_AARCH64.String()},
	"darwin":  {"amd64": macho.CpuAmd64.String(), "arm64": macho.CpuArm64.String()},
	"windows": {"amd64": windowsMachine(pe.IMAGE_FILE_MACHINE_AMD64), "arm64": windowsMachine(pe.IMAGE_FILE_MACHINE_ARM64)},
}

func windowsMachine(m uint16) string { return fmt.Sprintf("machine %#x", m) }

// check returns an error unless the binary for a platform is for that and, on Linux, static: the image has no loader and no libc.
func (r release) check(p platform) error {
	want, known := machines[p.os][p.arch]
	if !known {
		return fmt.Errorf("-arch or -slim has %s/%s: it must be linux, darwin or windows, and amd64 or arm64", p.os, p.arch)
	}
	path := r.binary(p)
	is, dynamic, err := machine(p.os, path)
	switch {
	case err != nil:
		return fmt.Errorf("reading %s: %w", path, err)
	case is != want:
		return fmt.Errorf("%s is for %s, not for %s", path, is, want)
	case dynamic:
		return fmt.Errorf("%s is linked dynamically: build it with CGO_ENABLED=0", path)
	}
	return nil
}

// machine returns which processor a system's binary is for, and for Linux whether it needs a loader.
func machine(system, path string) (is string, dynamic bool, err error) {
	var file io.Closer
	switch system {
	case "darwin":
		var f *macho.File
		if f, err = macho.Open(path); err == nil {
			file, is = f, f.Cpu.String()
		}
	case "windows":
		var f *pe.File
		if f, err = pe.Open(path); err == nil {
			file, is = f, windowsMachine(f.Machine)
		}
	default:
		var f *elf.File
		if f, err = elf.Open(path); err == nil {
			file, is = f, f.Machine.String()
			dynamic = slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
		}
	}
	if err != nil {
		return "", false, err
	}
	return is, dynamic, file.Close()
}
