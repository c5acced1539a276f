module github.com/comity-prl/comity/internal/translit/_gen

go 1.26.0

require github.com/mozillazg/go-pinyin v0.21.0
