package tokenize

import (
	"strings"
	"sync"

	"github.com/comity-prl/comity/internal/calendar"
)

// monthsOf are names and abbreviations of twelve months, a comma between months and
// a space between names of one: in English, German, French, Spanish, Italian,
// Portuguese, Dutch, Polish, Russian, Ukrainian, Turkish and Arabic, and for the
// Islamic and the Persian calendar as papers spell them. No name is in two places.
var monthsOf = map[calendar.Calendar][]string{
	calendar.Gregorian: {
		"january jan, february feb, march mar, april apr, may, june jun, july jul, august aug, september sep sept, october oct, november nov, december dec",
		"januar jänner jän, februar feber, märz mär mrz, april, mai, juni, juli, august, september, oktober okt, november, dezember dez",
		"janvier janv, février fév févr, mars, avril avr, mai, juin, juillet juil, août, septembre, octobre, novembre, décembre déc",
		"enero ene, febrero, marzo, abril abr, mayo, junio, julio, agosto ago, septiembre setiembre set, octubre, noviembre, diciembre dic",
		"gennaio gen, febbraio, marzo, aprile, maggio mag, giugno giu, luglio lug, agosto, settembre sett, ottobre ott, novembre, dicembre",
		"janeiro, fevereiro fev, março, abril, maio, junho, julho, agosto, setembro, outubro out, novembro, dezembro",
		"januari, februari, maart mrt, april, mei, juni, juli, augustus, september, oktober, november, december",
		"stycznia styczeń sty, lutego luty lut, marca marzec, kwietnia kwiecień kwi, maja maj, czerwca czerwiec cze, lipca lipiec lip, sierpnia sierpień sie, września wrzesień wrz, października październik paź, listopada listopad lis, grudnia grudzień gru",
		"января январь янв, февраля февраль фев, марта март мар, апреля апрель апр, мая май, июня июнь июн, июля июль июл, августа август авг, сентября сентябрь сен, октября октябрь окт, ноября ноябрь ноя, декабря декабрь дек",
		"січня січень січ, лютого лютий лют, березня березень бер, квітня квітень кві, травня травень тра, червня червень чер, липня липень лип, серпня серпень сер, вересня вересень вер, жовтня жовтень жов, листопада листопад лис, грудня грудень гру",
		"ocak oca, şubat şub, mart, nisan nis, mayıs, haziran haz, temmuz tem, ağustos ağu, eylül eyl, ekim eki, kasım kas, aralık ara",
		"يناير كانون-الثاني, فبراير شباط, مارس آذار, أبريل نيسان, مايو أيار, يونيو حزيران, يوليو تموز, أغسطس آب, سبتمبر أيلول, أكتوبر تشرين-الأول, نوفمبر تشرين-الثاني, ديسمبر كانون-الأول",
	},
	calendar.UmmAlQura: {
		"muharram, safar, rabi-al-awwal rabi-al-awal rabi-i, rabi-al-thani rabi-al-akhir rabi-ii, jumada-al-ula jumada-al-awwal jumada-i, jumada-al-thani jumada-al-akhirah jumada-ii, rajab, shaban, ramadan, shawwal, dhu-al-qadah dhul-qadah, dhu-al-hijjah dhul-hijjah dhul-hijja",
		"محرم المحرم, صفر, ربيع-الأول, ربيع-الثاني ربيع-الآخر, جمادى-الأولى, جمادى-الآخرة جمادى-الثانية, رجب, شعبان, رمضان, شوال, ذو-القعدة, ذو-الحجة",
	},
	calendar.Persian: {
		"farvardin, ordibehesht, khordad, tir, mordad amordad, shahrivar, mehr, aban, azar, dey, bahman, esfand",
		"فروردین, اردیبهشت, خرداد, تیر, مرداد, شهریور, مهر, آبان, آذر, دی, بهمن, اسفند",
	},
}

// eras are what stands behind a year of a calendar.
var eras = map[string]calendar.Calendar{
	"ad": calendar.Gregorian, "ce": calendar.Gregorian, "م": calendar.Gregorian,
	"ah": calendar.UmmAlQura, "h": calendar.UmmAlQura, "ه": calendar.UmmAlQura, "هـ": calendar.UmmAlQura,
	"sh": calendar.Persian, "ap": calendar.Persian,
	"be": calendar.Buddhist,
}

// dateParticles are words of no account in a date.
var dateParticles = map[string]bool{
	"de": true, "del": true, "of": true, "the": true, "st": true, "nd": true, "rd": true, "th": true, "er": true,
	"to": true, "between": true, "and": true, "or": true, "bis": true, "und": true, "oder": true, "a": true, "y": true, "до": true,
	"года": true, "г": true, "року": true, "р": true, "年": true, "月": true, "日": true, "년": true, "월": true, "일": true,
}

// aboutWords say that a date is not exact.
var aboutWords = map[string]bool{
	"circa": true, "ca": true, "c": true, "approximately": true, "approx": true, "about": true, "etwa": true, "um": true, "environ": true, "hacia": true, "около": true,
}

// month is one of a calendar.
type month struct {
	calendar calendar.Calendar
	number   int
}

// monthNames maps names, folded and without spaces, to months.
var monthNames = sync.OnceValue(func() map[string]month {
	names := make(map[string]month)
	for c, lists := range monthsOf {
		for _, list := range lists {
			for i, spellings := range strings.Split(list, ",") {
				for name := range strings.FieldsSeq(spellings) {
					names[strings.ReplaceAll(fold(name), " ", "")] = month{c, i + 1}
				}
			}
		}
	}
	return names
})
