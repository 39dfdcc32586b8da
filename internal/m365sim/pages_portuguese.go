package m365sim

// inPortuguese holds the pages' words in Portuguese. The English is the key, so a missing row shows as
// English, and a test finds it.
var inPortuguese = map[string]string{
	// every page
	"Simulated Microsoft 365": "Microsoft 365 simulado",
	"Simulated 365":           "365 simulado",
	"Skip to the content":     "Ir para o conteúdo",
	"Main":                    "Principal",
	"Calendar":                "Calendário",
	"People":                  "Pessoas",
	"Apps":                    "Aplicativos",
	"Control room":            "Sala de controle",
	"change person":           "trocar de pessoa",

	// sign-in
	"Simulated sign-in":           "Entrada simulada",
	"Sign in":                     "Entrar",
	"to continue to %s":           "para continuar em %s",
	"E-mail address or user name": "Endereço de e-mail ou nome de usuário",
	"No password is asked: this Microsoft 365 is simulated, and so are its people.": "Nenhuma senha é pedida: este Microsoft 365 é simulado, e as pessoas também.",
	"Or pick an account":            "Ou escolha uma conta",
	"Search people":                 "Procurar pessoas",
	"Search":                        "Procurar",
	"Signed in":                     "Conectado",
	"Guest":                         "Convidado",
	"Disabled":                      "Desativada",
	"Global Administrator":          "Administrador global",
	"Privileged Role Administrator": "Administrador de função com privilégios",
	"Application Administrator":     "Administrador de aplicativos",
	"User Administrator":            "Administrador de usuários",
	"Nobody is called that.":        "Ninguém tem esse nome.",
	"%d more: search for a name.":   "Mais %d: procure por um nome.",
	"Enter an address, or pick an account below.":     "Digite um endereço ou escolha uma conta abaixo.",
	"Sorry, we cannot sign you in":                    "Desculpe, não foi possível entrar",
	"Sign in with another account":                    "Entrar com outra conta",
	"You signed out":                                  "Você saiu",
	"It is a good idea to close all browser windows.": "É uma boa ideia fechar todas as janelas do navegador.",
	"Back to the app":                                 "De volta ao aplicativo",
	"Continue":                                        "Continuar",

	// consent
	"Permissions requested":                                                     "Permissões solicitadas",
	"Permissions for your organization":                                         "Permissões para a sua organização",
	"Need admin approval":                                                       "É preciso a aprovação de um administrador",
	"%s would like to:":                                                         "%s gostaria de:",
	"%s asks to be allowed this for everybody in %s:":                           "%s pede esta permissão para todos em %s:",
	"On its own, without anybody signed in, in every mailbox":                   "Por conta própria, sem ninguém conectado, em todas as caixas de correio",
	"needs an administrator":                                                    "exige um administrador",
	"Allow this for everybody in %s":                                            "Permitir isto para todos em %s",
	"Nobody in the organization will be asked again.":                           "Ninguém na organização será perguntado de novo.",
	"You are asked once. The app keeps this permission until it is taken back.": "A pergunta é feita uma vez. O aplicativo mantém a permissão até que ela seja retirada.",
	"Accept": "Aceitar",
	"Cancel": "Cancelar",
	"%s needs permissions that only an administrator of %s can grant. Ask one to allow the app, and come back.": "%s precisa de permissões que só um administrador de %s pode conceder. Peça a um deles que autorize o aplicativo e volte.",
	"Return to the app without granting consent":                                                                "Voltar ao aplicativo sem conceder permissão",
}
