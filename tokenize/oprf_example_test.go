package tokenize_test

import (
	"context"
	"fmt"

	"github.com/comity-prl/comity/tokenize"
)

// A key server makes the tokens of two agencies, and learns no input.
func ExampleNewOPRF() {
	scope := tokenize.Scope{Project: "joint-2026", Purpose: "linkage", Epoch: "2026-Q4"}
	key, err := tokenize.GenerateKey(tokenize.Ristretto255, tokenize.VOPRF)
	if err != nil {
		panic(err)
	}
	server, err := tokenize.NewServer(map[tokenize.Scope]tokenize.Key{scope: key})
	if err != nil {
		panic(err)
	}
	// Between agencies this is HTTPS: see examples/keyserver.
	transport := func(ctx context.Context, request []byte) ([]byte, error) {
		r, err := tokenize.ParseRequest(request)
		if err != nil {
			return nil, err
		}
		fmt.Println("charge", r.Len(), "evaluations for", r.Scope().Purpose)
		return server.Answer(ctx, r)
	}
	token := func(input string) tokenize.Token {
		prf, err := tokenize.NewOPRF(key.Public(), scope, transport, nil)
		if err != nil {
			panic(err)
		}
		tokens, err := prf.Evaluate(context.Background(), [][]byte{[]byte(input)})
		if err != nil {
			panic(err)
		}
		return tokens[0]
	}
	a, b := token("strauss jurgen 1978-01-25"), token("strauss jurgen 1978-01-25")
	fmt.Println(a == b, a)
	// Output:
	// charge 1 evaluations for linkage
	// charge 1 evaluations for linkage
	// true token(redacted)
}

// Three agencies make a key that none of them holds, and any two evaluate it.
func ExampleGenerate() {
	plan := &tokenize.Plan{
		Suite:     tokenize.Ristretto255,
		Scope:     tokenize.Scope{Project: "joint-2026", Purpose: "linkage", Epoch: "2026-Q4"},
		Threshold: 2,
		Members:   3,
		Session:   [32]byte{1}, // in earnest random, from all
	}
	room := newRoom(plan.Members)
	shares := make([]*tokenize.Share, plan.Members)
	room.each(func(member int, x tokenize.Exchange) {
		share, faults, err := tokenize.Generate(context.Background(), plan, member, x)
		if err != nil || len(faults) > 0 {
			panic(err)
		}
		shares[member-1] = share
	})

	var servers []tokenize.Transport
	for _, share := range shares {
		server, err := tokenize.NewServer(map[tokenize.Scope]tokenize.Key{plan.Scope: share.Key()})
		if err != nil {
			panic(err)
		}
		servers = append(servers, func(ctx context.Context, request []byte) ([]byte, error) {
			r, err := tokenize.ParseRequest(request)
			if err != nil {
				return nil, err
			}
			return server.Answer(ctx, r)
		})
	}
	token := func(servers ...tokenize.Transport) tokenize.Token {
		prf, err := tokenize.NewThreshold(shares[0].Committee(), servers, nil)
		if err != nil {
			panic(err)
		}
		tokens, err := prf.Evaluate(context.Background(), [][]byte{[]byte("strauss jurgen 1978-01-25")})
		if err != nil {
			panic(err)
		}
		return tokens[0]
	}
	fmt.Println(token(servers[0], servers[1], nil) == token(nil, servers[1], servers[2]))
	fmt.Println(shares[0])
	// Output:
	// true
	// share of member 1(redacted)
}
