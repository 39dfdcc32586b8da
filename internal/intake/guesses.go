package intake

import (
	"strings"
	"unicode"

	"tandem/internal/record"
)

var accents = unicode.Mn

// guesses are the targets of names of columns, in the form of Key; the first that is free counts.
func guesses(schema *record.Schema, label func(record.Field) string) map[string][]Target {
	out := map[string][]Target{}
	add := func(name string, t Target) {
		if key := Key(name); key != "" {
			out[key] = append(out[key], t)
		}
	}
	for _, d := range schema.Own() { // what the organization calls its own fields comes first
		add(d.Label, Target(d.Name))
	}
	table := contactNames
	if schema.Kind() != record.Contacts {
		table = eventNames
	}
	for _, row := range table {
		for name := range strings.SplitSeq(row.names, "|") {
			for _, t := range row.targets {
				add(name, t)
			}
		}
	}
	for _, d := range schema.Defs() {
		add(strings.ReplaceAll(string(d.Name), "_", " "), Target(d.Name))
		if label != nil {
			add(label(d.Name), Target(d.Name))
		}
	}
	return out
}

type guess struct {
	targets []Target
	names   string // separated by |
}

func to(fields ...record.Field) (out []Target) {
	for _, f := range fields {
		out = append(out, Target(f))
	}
	return out
}

// contactNames are what columns of contacts are called by Outlook and Google (in English and Portuguese), Zoho CRM and people.
var contactNames = []guess{
	{[]Target{FullName}, "full name|nome completo|display name|contact name|contact|contato|cliente|file as|nome para exibicao"},
	{to(record.FirstName), "first name|given name|primeiro nome|firstname|forename|prenome"},
	{to(record.LastName), "last name|family name|surname|sobrenome|lastname|apelido|nome de familia|ultimo nome"},
	{to(record.Salutation), "salutation|name prefix|prefix|tratamento|saudacao|prefixo|pronome de tratamento|titulo de cortesia"},
	{to(record.EmailField, record.SecondaryEmail), "email|e mail|e mail address|email address|e mail 1 value|email 1 value|endereco de email|endereco de e mail|correio eletronico|e mail 1|email 1|mail|work email|e mail principal"},
	{to(record.SecondaryEmail), "secondary email|e mail 2 address|e mail 2 value|email 2 value|email 2|e mail 2|email secundario|e mail secundario|endereco de email 2|endereco de e mail 2|other email|personal email"},
	{to(record.AccountName), "company|company name|organization|organization name|organization 1 name|account name|account|empresa|nome da empresa|organizacao|razao social|companhia|employer"},
	{to(record.Title), "job title|title|position|role|organization title|organization 1 title|cargo|titulo|funcao|titulo do cargo"},
	{to(record.Department), "department|organization department|organization 1 department|departamento|setor|area"},
	{to(record.PhoneField, record.OtherPhone), "phone|telephone|phone number|business phone|work phone|primary phone|company main phone|telefone|fone|tel|telefone comercial|telefone do trabalho|telefone principal|phone 1 value|telefone 1"},
	{to(record.Mobile), "mobile|mobile phone|cell|cell phone|celular|telefone celular|whatsapp|movel|telemovel"},
	{to(record.HomePhone), "home phone|telefone residencial|telefone de casa|residencial"},
	{to(record.OtherPhone), "other phone|business phone 2|phone 2|outro telefone|telefone 2|telefone comercial 2"},
	{to(record.OtherPhone, record.Mobile, record.HomePhone), "phone 2 value|phone 3 value"},
	{to(record.Fax), "fax|business fax|work fax|fax comercial"},
	{to(record.Assistant), "assistant|assistant s name|assistants name|assistente|nome do assistente"},
	{to(record.AsstPhone), "asst phone|assistant s phone|assistants phone|assistant phone|telefone do assistente"},
	{to(record.DateOfBirth), "birthday|date of birth|birth date|dob|aniversario|data de nascimento|nascimento|data nascimento"},
	{to(record.LeadSource), "lead source|source|origem|origem do lead|fonte"},
	{to(record.MailingStreet), "mailing street|street|street address|address|address 1|address 1 street|business street|rua|endereco|logradouro|endereco comercial|rua do endereco comercial|address line 1"},
	{to(record.MailingCity), "mailing city|city|town|business city|address 1 city|cidade|municipio|cidade do endereco comercial"},
	{to(record.MailingState), "mailing state|state|province|region|business state|address 1 region|estado|uf|estado do endereco comercial"},
	{to(record.MailingZip), "mailing zip|zip|zip code|postal code|postcode|business postal code|address 1 postal code|cep|codigo postal|cep do endereco comercial"},
	{to(record.MailingCountry), "mailing country|country|country region|business country|business country region|address 1 country|pais|pais regiao|pais regiao do endereco comercial"},
	{to(record.OtherStreet, record.MailingStreet), "other street|home street|address 2 street|rua residencial|endereco residencial|rua do endereco residencial|outro endereco"},
	{to(record.OtherCity, record.MailingCity), "other city|home city|address 2 city|cidade do endereco residencial"},
	{to(record.OtherState, record.MailingState), "other state|home state|address 2 region|estado do endereco residencial"},
	{to(record.OtherZip, record.MailingZip), "other zip|other postal code|home postal code|address 2 postal code|cep do endereco residencial"},
	{to(record.OtherCountry, record.MailingCountry), "other country|other country region|home country|home country region|address 2 country|pais regiao do endereco residencial"},
	{to(record.Description), "description|notes|note|comments|remarks|observacoes|observacao|obs|notas|anotacoes|descricao|comentarios"},
	{to(record.SkypeID), "skype|skype id|skype name"},
	{to(record.Twitter), "twitter|x"},
	{to(record.EmailOptOut), "email opt out|opt out|unsubscribed|descadastrado|nao enviar e mails"},
	{[]Target{UID}, "uid"},
	{to(record.Tag), "tag|tags|categories|category|labels|group membership|categorias|categoria|etiquetas|marcadores|grupos"},
}

// eventNames are what columns of events are called.
var eventNames = []guess{
	{to(record.EventTitle), "subject|title|event title|name|event|summary|assunto|titulo|evento|compromisso|nome do evento"},
	{to(record.Start), "start|start date|start datetime|starts|begin|from|date|inicio|data de inicio|data inicial|data|comeco|data e hora de inicio"},
	{[]Target{StartTime}, "start time|begin time|time|hora de inicio|hora inicial|hora|horario|horario de inicio"},
	{to(record.End), "end|end date|end datetime|ends|until|to|due|fim|data de termino|data final|data do termino|termino|data de fim|ate"},
	{[]Target{EndTime}, "end time|hora de termino|hora final|hora do termino|hora de fim|horario de termino|horario de fim"},
	{to(record.AllDay), "all day|all day event|allday|dia inteiro|evento de dia inteiro|o dia inteiro|dia todo"},
	{to(record.TimeZone), "time zone|timezone|tz|fuso|fuso horario"},
	{to(record.Venue), "location|venue|place|where|local|lugar|onde"},
	{to(record.Description), "description|notes|body|details|descricao|notas|detalhes|observacoes"},
	{to(record.Tag), "categories|category|tag|tags|labels|categorias|categoria|marcadores"},
	{to(record.ShowAs), "show as|show time as|busy|mostrar como|mostrar hora como|mostrar horario como"},
	{to(record.Sensitivity), "sensitivity|privacy|private|privado|particular|sensibilidade|confidencialidade|diferenciacao"},
	{to(record.Importance), "importance|priority|prioridade|importancia"},
	{[]Target{Reminder}, "reminder|reminder minutes|reminder time|lembrete|lembrete em minutos"},
	{[]Target{UID}, "uid|id|identifier|icaluid"},
	{[]Target{Notes}, "meeting organizer|organizer|required attendees|optional attendees|attendees|participants|organizador da reuniao|organizador|participantes obrigatorios|participantes opcionais|participantes"},
}
