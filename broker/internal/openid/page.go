package openid

import (
	"bytes"
	"embed"
	"html/template"
	"mime"
	"net/http"
	"strings"
)

//go:embed page.html style.css
var assets embed.FS

// Pages.
const (
	pageLogin     = "login"
	pageBadClient = "bad_client"
	pageLoginGone = "login_gone"
	pageLoggedOut = "logged_out"
)

// pageData fills page.html.
type pageData struct {
	// Page says which page.
	Page string
	// Login names the pending login.
	Login string
	// Wrong is true after a wrong password.
	Wrong bool
	// Target is the origin to which the form may lead in the end.
	Target string
	// English is true for readers who prefer English.
	English bool
	// Path is the provider's path.
	Path string
}

// page renders a page; nothing of it is cached, nothing may frame it, no script runs.
func (p *Provider) page(w http.ResponseWriter, r *http.Request, status int, data pageData) {
	data.Path, data.English = p.path, prefersEnglish(r.Header.Get("Accept-Language"))
	t, err := template.ParseFS(assets, "page.html")
	if err != nil {
		panic(err) // the template is embedded
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		panic(err) // the template is embedded
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", strings.TrimSpace("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' "+data.Target))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

func style(w http.ResponseWriter, _ *http.Request) {
	css, err := assets.ReadFile("style.css")
	if err != nil {
		panic(err) // the file is embedded
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(css)
}

// prefersEnglish looks at the first language only: German is the default of everything that people read.
func prefersEnglish(accept string) bool {
	first, _, _ := strings.Cut(accept, ",")
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(first)), "en")
}

func isForm(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == "application/x-www-form-urlencoded"
}
