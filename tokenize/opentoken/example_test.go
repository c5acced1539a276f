package opentoken_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/comity-prl/comity/tokenize/opentoken"
)

// A file of persons becomes a file of tokens as OpenToken writes it.
func Example() {
	persons := "RecordId,FirstName,LastName,Sex,BirthDate,PostalCode,SocialSecurityNumber\n" +
		"1,José,Nuñez,m,12/31/1999,12345-6789,\n" +
		"2,Anna,Nuñez,unknown,1975-07-02,12345,345-54-6795\n"
	tokenizer, err := opentoken.New([]byte("HashingKey"), nil)
	if err != nil {
		panic(err)
	}
	var file strings.Builder
	out := opentoken.NewWriter(&file, nil)
	for entry, err := range tokenizer.Tokens(opentoken.ReadPersons(strings.NewReader(persons))) {
		var bad *opentoken.AttributeError
		if errors.As(err, &bad) {
			fmt.Println("#", bad)
			continue
		}
		if err != nil {
			panic(err)
		}
		if entry.Rule != 5 {
			continue
		}
		if err := out.Write(entry); err != nil {
			panic(err)
		}
	}
	if err := out.Flush(); err != nil {
		panic(err)
	}
	fmt.Print(strings.ReplaceAll(file.String(), "\r", ""))
	// Output:
	// # opentoken: row 1: invalid: Sex
	// RecordId,RuleId,Token
	// 1,T5,GgfOPGVXkPulYXug8uEW89U0C87U8Nn/hH/mZOhqIOw=
}
