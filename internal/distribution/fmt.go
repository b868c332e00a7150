package distribution

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/parser"
	"github.com/grafana/alloy/syntax/printer"
)

// fmtCommand follows upstream's internal/alloycli/cmd_fmt.go.
func fmtCommand() *cobra.Command {
	var f formatter
	cmd := &cobra.Command{
		Use:   "fmt [flags] file",
		Short: "Format a configuration file",
		Long: `fmt prints the configuration file with Alloy's standard formatting. Without a
file, or with "-", it reads the standard input.

--write puts the result back into the file. --test changes and prints nothing,
and exits with code 1 if the file is not formatted.`,
		Aliases:      []string{"format"},
		Args:         cobra.RangeArgs(0, 1),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "-"
			if len(args) == 1 {
				file = args[0]
			}
			err := f.run(file, cmd.InOrStdin(), cmd.OutOrStdout())
			if diags, ok := errors.AsType[diag.Diagnostics](err); ok {
				for _, d := range diags {
					fmt.Fprintln(cmd.ErrOrStderr(), d)
				}
				return errors.New("encountered errors during formatting")
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&f.write, "write", "w", false, "write result to (source) file instead of stdout")
	cmd.Flags().BoolVarP(&f.test, "test", "t", false, "exit with non-zero when changes would be made. Cannot be used with -w/--write")
	return cmd
}

// formatter formats one file, or the standard input.
type formatter struct {
	write bool // back into the file
	test  bool // whether it is formatted already, and nothing else
}

func (f *formatter) run(file string, stdin io.Reader, stdout io.Writer) error {
	switch {
	case f.write && f.test:
		return errors.New("cannot use -w/--write and -t/--test at the same time")
	case file == "-" && f.write:
		return errors.New("cannot use -w with standard input")
	case file == "-":
		src, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		return f.format("<stdin>", src, stdout, nil)
	}

	fi, err := os.Stat(file)
	if err != nil {
		return err
	}
	if fi.IsDir() {
		return errors.New("cannot format a directory")
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return f.format(file, src, stdout, fi)
}

// format writes the formatted src to stdout, or back to the file that fi describes. A file that is formatted already is not touched, so
// that tools which watch it see no change; upstream rewrites it.
func (f *formatter) format(name string, src []byte, stdout io.Writer, fi os.FileInfo) error {
	parsed, err := parser.ParseFile(name, src)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := printer.Fprint(&out, parsed); err != nil {
		return err
	}
	out.WriteByte('\n') // the printer ends without one

	switch formatted := bytes.Equal(src, out.Bytes()); {
	case f.test && !formatted:
		return fmt.Errorf("file %s is not formatted correctly", name)
	case f.test, f.write && formatted:
		return nil
	case f.write:
		return os.WriteFile(name, out.Bytes(), fi.Mode().Perm())
	default:
		_, err := stdout.Write(out.Bytes())
		return err
	}
}
