package main

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// standardField is a field that schema knows how to propose.
type standardField struct {
	name string
	kind string
	// headers are the names that columns of this field have in practice, in
	// English, German, French, Spanish, Italian, Portuguese, Dutch and Polish, as
	// foldName writes them. The field's own name need not be among them.
	headers string
	// number: it stands for the person by itself, and is proposed on request alone.
	number bool
}

// standardFields are in the order in which schema writes them.
var standardFields = []standardField{
	{"given_name", "name", `firstname forename first given fname vorname rufname prenom nombre nombres primernombre nome primeironome nomeproprio voornaam roepnaam imie`, false},
	{"middle_name", "name", `middlename middlenames secondname zweitername deuxiemeprenom segundonombre secondonome nomedomeio tweedenaam drugieimie`, false},
	{"family_name", "name", `surname lastname last lname familienname nachname zuname nom nomdefamille apellido apellidos primerapellido cognome sobrenome apelido achternaam geslachtsnaam nazwisko`, false},
	{"birth_name", "name", `nameatbirth birthsurname maidenname nee geburtsname maedchenname nomdenaissance nomdejeunefille apellidodenacimiento cognomedanubile meisjesnaam nazwiskorodowe`, false},
	{"full_name", "name", `name completename namefull vollername nomcomplet nombrecompleto nomecompleto volledigenaam imienazwisko`, false},
	{"birth_date", "date", `dateofbirth dob birthdate birthday bday geburtsdatum geburtstag gebdat datedenaissance datenaissance fechadenacimiento fechanacimiento datadinascita datanascita datadenascimento datanascimento geboortedatum dataurodzenia`, false},
	{"birth_place", "text", `placeofbirth birthplace birthcity geburtsort lieudenaissance lugardenacimiento luogodinascita naturalidade geboorteplaats miejsceurodzenia`, false},
	{"sex", "sex", `gender geschlecht sexe genre sexo genero sesso geslacht plec`, false},
	{"nationality", "country", `citizenship staatsangehoerigkeit staatsangehorigkeit nationalitaet nationalitat nationalite nacionalidad nazionalita cittadinanza nacionalidade nationaliteit obywatelstwo`, false},
	{"street_number", "text", `housenumber houseno streetno hausnummer hausnr numeroderue numero numerocivico huisnummer nrdomu`, false},
	{"street", "text", `streetname address address1 addressline1 streetaddress strasse str strassenname rue adresse voie calle direccion domicilio via indirizzo rua endereco morada straat straatnaam adres ulica`, false},
	{"address_extra", "text", `address2 addressline2 adresszusatz complementdadresse complement`, false},
	{"postcode", "postcode", `postalcode zip zipcode plz postleitzahl codepostal cp codigopostal cap codiceavviamentopostale cep postcodenl kodpocztowy`, false},
	{"city", "text", `town suburb locality municipality placeofresidence ort wohnort stadt gemeinde ville commune localite ciudad municipio localidad poblacion citta comune cidade localidade plaats woonplaats gemeente miasto miejscowosc`, false},
	{"region", "text", `state province county bundesland kanton departement provincia estado regione distrito provincie wojewodztwo`, false},
	{"country", "country", `countryofresidence wohnsitzland staat pays paisderesidencia pais paese landvanverblijf kraj`, false},
	{"phone", "phone", `phonenumber telephone tel mobile mobilephone cell telefon telefonnummer handy mobil telefono telefonnr telefone telemovel telefoon telefoonnummer komorka`, false},
	{"email", "email", `emailaddress mail courriel adresseemail correo correoelectronico correio`, false},
	{"passport", "passport", `passportnumber passportno reisepassnummer reisepass passnummer passnr numeropassaporto passaporto numerodepasaporte pasaporte numerodepassaporte passeport numerodepasseport paspoortnummer paspoort numerpaszportu paszport`, true},
	{"national_number", "national", `ssn socsecid socialsecuritynumber socialsecurity nationalid nationalidnumber nationalinsurancenumber idnumber personalnumber taxid tin taxnumber nino nhsnumber medicarenumber steuerid steueridentifikationsnummer sozialversicherungsnummer ahvnummer nir numerosecu numerodesecuritesociale dni nie nif nss curp codicefiscale cpf bsn pesel cpr personnummer`, true},
	{"licence_plate", "plate", `licenseplate plate platenumber numberplate registrationnumber kennzeichen kfzkennzeichen autokennzeichen immatriculation plaqueimmatriculation matricula targa kenteken numerrejestracyjny`, true},
	{"iban", "iban", `accountnumber bankaccount kontonummer konto compte numerodecompte cuenta numerodecuenta rekeningnummer numerkonta`, true},
	{"vin", "vin", `vehicleidentificationnumber chassisnumber fahrgestellnummer numerodechassis bastidor telaio chassisnummer numervin`, true},
	{"imei", "imei", `imeinumber imeino deviceid geraetenummer`, true},
	{"wallet", "wallet", `walletaddress cryptoaddress bitcoinaddress btcaddress ethereumaddress ethaddress`, true},
}

const aNumber = "a number that stands for the person by itself: add it by --numbers, or by hand, only if the law lets both sides use it"

// Columns that schema leaves out for a reason worth telling.
var leftOut = []struct{ why, headers string }{
	{"a record number, which means nothing to the other side",
		`id recid recordid recno recordno recordnumber rowid rownumber uniqueid uuid guid personid entityid key pk nr lfdnr cluster clusterid blockingnumber`},
	{aNumber, `idcardnumber driverlicense driverslicense drivinglicence steuernummer personalausweisnummer`},
	{"it changes with time", `age alter edad eta idade leeftijd wiek`},
}

// foldName writes a name of a column without case, accents, spaces, underscores
// and the like: only letters and digits count.
func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, strings.ReplaceAll(strings.ToLower(norm.NFKD.String(s)), "ß", "ss"))
}

// guess returns the field that a column of this name holds, by its index in
// standardFields.
func guess(header string) (field int, ok bool) {
	folded := foldName(header)
	i := slices.IndexFunc(standardFields, func(f standardField) bool {
		return folded == foldName(f.name) || slices.Contains(strings.Fields(f.headers), folded)
	})
	return i, i >= 0
}

// whyLeftOut returns why a column that is no standard field is not proposed.
func whyLeftOut(header string) string {
	for _, l := range leftOut {
		if slices.Contains(strings.Fields(l.headers), foldName(header)) {
			return l.why
		}
	}
	return "not a field that schema knows: add it by hand if both sides have it"
}

// closest returns the header that most likely stands for a field: another name
// for it, or its own name misspelt. It returns "" if none is close.
func closest(field string, headers []string) string {
	best, distance := "", 3 // at most two slips
	for _, h := range headers {
		if i, ok := guess(h); ok && standardFields[i].name == field {
			return h
		}
		if d := editDistance(foldName(field), foldName(h)); d < distance && d < len(foldName(field))/2 {
			best, distance = h, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
