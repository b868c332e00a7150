package distribution

import (
	"fmt"

	"github.com/grafana/alloy/syntax/diag"
	"github.com/grafana/alloy/syntax/scanner"
	"github.com/grafana/alloy/syntax/token"
)

// maxNesting is how many tokens may lie on the way from a file to the innermost one of an expression; nobody writes a hundred. Alloy
// parses and evaluates by recursion, and some 300,000 levels overflow the stack (1 GB, measured), which ends a program without a word.
// What is checked here takes time with the square of it.
const maxNesting = 1_000

// checkNesting refuses a file that is nested too deeply to be parsed.
func checkNesting(name string, source []byte) error {
	file := token.NewFile(name)
	s := scanner.New(file, source, nil, 0)
	type level struct {
		opened token.Token
		tokens int // since the last statement, element or argument began
	}
	levels, sum := []level{{opened: token.LCURLY}}, 0
	for {
		pos, tok, _ := s.Scan()
		top := &levels[len(levels)-1]
		switch tok {
		case token.EOF:
			return nil
		case token.RCURLY, token.RPAREN, token.RBRACK:
			if len(levels) > 1 {
				sum -= top.tokens
				levels = levels[:len(levels)-1]
			}
			continue
		case token.COMMA:
			sum, top.tokens = sum-top.tokens, 0
			continue
		case token.TERMINATOR:
			if top.opened == token.LCURLY {
				sum, top.tokens = sum-top.tokens, 0
			}
			continue
		}
		sum, top.tokens = sum+1, top.tokens+1
		if sum > maxNesting {
			return diag.Diagnostics{{
				Severity: diag.SeverityLevelError,
				StartPos: pos.Position(),
				EndPos:   pos.Position(),
				Message:  fmt.Sprintf("the expression or block has more than %d parts within each other: write it in several", maxNesting),
			}}
		}
		switch tok {
		case token.LCURLY, token.LPAREN, token.LBRACK:
			levels = append(levels, level{opened: tok})
		}
	}
}
