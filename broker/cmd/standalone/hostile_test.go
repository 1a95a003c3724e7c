package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/efa-broker/efa-broker/contracts/actor"
	"github.com/efa-broker/efa-broker/contracts/event"
)

// secret stands in everything hostile that can hold it; no answer and no line of the log may repeat it.
const secret = "CANARY-HOSTILE-5e81"

// hostile is one request that must be refused.
type hostile struct {
	method, target, bearer, body string
	// header has every header but Authorization; a value stands as often as it is listed.
	header http.Header
	status int
	// kind is the word of the problem's type; empty for an answer of the OpenID provider, which has a form of its own.
	kind string
}

func asJSON(more ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = append(h[more[i]], more[i+1])
	}
	return h
}

// send sends a request as it is: the target is not cleaned, an empty bearer sends no token.
func (h *house) send(c hostile) answer {
	h.tb.Helper()
	req, err := http.NewRequestWithContext(h.tb.Context(), c.method, h.program.api, strings.NewReader(c.body))
	if err != nil {
		h.tb.Fatal(err)
	}
	path, query, _ := strings.Cut(c.target, "?")
	req.URL.Opaque, req.URL.RawQuery = path, query
	maps.Copy(req.Header, c.header)
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.tb.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), raw}
}

// refused sends each request and checks the promise for hostile input: a problem by its kind, which repeats nothing, and
// nothing stored but one audit line.
func (h *house) refused(t *testing.T, cases map[string]hostile) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		before := h.rows()
		got := h.send(c)
		wantProblem(t, name, c, got)
		if len(got.body) > 64<<10 {
			t.Errorf("%s: the answer has %d bytes", name, len(got.body))
		}
		if bytes.Contains(got.body, []byte(secret)) || bytes.Contains(h.log.Bytes(), []byte(secret)) {
			t.Errorf("%s: the answer or the log repeats what was sent: %s", name, got.body)
		}
		after := h.rows()
		before["audit_lines"]++
		if !maps.Equal(before, after) {
			t.Errorf("%s: rows before %v, after %v", name, before, after)
		}
	}
}

func wantProblem(t *testing.T, name string, c hostile, got answer) {
	t.Helper()
	if c.kind == "" {
		if got.status != c.status || got.contentType != "application/json" || !json.Valid(got.body) {
			t.Errorf("%s: %d %s %s", name, got.status, got.contentType, got.body)
		}
		return
	}
	var p problem
	if err := json.Unmarshal(got.body, &p); err != nil || got.contentType != "application/problem+json" {
		t.Errorf("%s: %d %s %s", name, got.status, got.contentType, got.body)
		return
	}
	if got.status != c.status || p.Status != c.status || p.Type != "urn:efa:problem:"+c.kind || p.ErrorID == "" {
		t.Errorf("%s: %d %s, want %d %s", name, got.status, got.body, c.status, c.kind)
	}
}

// quiet is a house with one case whose first task is assigned; from here on nothing moves by itself.
func quiet(t *testing.T) (h *house, caseID string) {
	t.Helper()
	h = open(t, t.TempDir())
	pkg := packageOf(t, registration)
	caseID = h.submit(example(t, pkg, exampleNames(pkg)[0]))
	h.awaitTask()
	return h, caseID
}

func submissionOf(application string) string {
	return fmt.Sprintf(`{"submission_id":%q,"service":%q,"region":%q,"application":%s}`, uuid.NewString(), registration, muenchen, application)
}

func gzipped(t *testing.T, size int) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHostileBodiesAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	h, caseID := quiet(t)
	portal, office := h.token("portal-bayern"), h.token("gewerbeamt-muenchen")
	pkg := packageOf(t, registration)
	good := string(pkg.Examples[exampleNames(pkg)[0]])
	content := "/v1/contents/" + uuid.NewString()
	put := func(body string, status int, kind string, header http.Header) hostile {
		return hostile{http.MethodPut, content + "?kind=certificate&case_id=" + caseID, office, body, header, status, kind}
	}
	pdf := http.Header{"Content-Type": {"application/pdf"}}
	cases := map[string]hostile{
		"pdf above the content limit":  put(strings.Repeat("%", 10<<20+1), 413, "too_large", pdf),
		"json above the content limit": put(`"`+strings.Repeat("x", 1<<20-1)+`"`, 413, "too_large", asJSON()),
		"compressed pdf":               put(gzipped(t, 1<<20), 415, "unsupported", http.Header{"Content-Type": {"application/pdf"}, "Content-Encoding": {"gzip"}}),
		"compression announced second": put(gzipped(t, 1<<20), 415, "unsupported", http.Header{"Content-Type": {"application/pdf"}, "Content-Encoding": {"identity", "gzip"}}),
		"no pdf and no json":           put(secret, 415, "unsupported", http.Header{"Content-Type": {"text/html"}}),
	}
	for name, c := range map[string]struct {
		body   string
		header http.Header
		status int
		kind   string
	}{
		"duplicate name":            {strings.Replace(submissionOf(good), `"region"`, `"service":"`+secret+`","region"`, 1), asJSON(), 400, "invalid"},
		"duplicate name, escaped":   {strings.Replace(submissionOf(good), `"region"`, `"servic\u0065":"`+secret+`","region"`, 1), asJSON(), 400, "invalid"},
		"duplicate name, deep":      {submissionOf(strings.Replace(good, `"person"`, `"person":{},"person"`, 1)), asJSON(), 400, "invalid"},
		"invalid UTF-8":             {submissionOf("{\"x\":\"" + secret + "\xff\"}"), asJSON(), 400, "invalid"},
		"half a surrogate pair":     {submissionOf(`{"x":"` + secret + `\ud800"}`), asJSON(), 400, "invalid"},
		"byte order mark":           {"\xef\xbb\xbf" + submissionOf(good), asJSON(), 400, "invalid"},
		"UTF-16":                    {"\xff\xfe" + strings.Join(strings.Split(submissionOf(good), ""), "\x00"), asJSON(), 400, "invalid"},
		"NaN":                       {submissionOf(`{"x":NaN}`), asJSON(), 400, "invalid"},
		"infinity":                  {submissionOf(`{"x":-Infinity}`), asJSON(), 400, "invalid"},
		"a number beyond a double":  {submissionOf(`{"x":1e400}`), asJSON(), 400, "invalid"},
		"a number of 100 KiB":       {submissionOf(`{"x":` + strings.Repeat("9", 100<<10) + `}`), asJSON(), 400, "invalid"},
		"U+0000 in a text":          {strings.Replace(submissionOf(good), `"submission_id"`, `"completes":{"case_id":"`+caseID+`","task_id":"\u0000`+secret+`","outcome":"x"},"submission_id"`, 1), asJSON(), 400, "invalid"},
		"70 levels":                 {submissionOf(strings.Repeat("[", 70) + strings.Repeat("]", 70)), asJSON(), 400, "invalid"},
		"100,000 levels":            {submissionOf(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), asJSON(), 400, "invalid"},
		"an open end":               {strings.Repeat(`{"a":`, 100_000), asJSON(), 400, "invalid"},
		"a comment":                 {submissionOf(good) + "// " + secret, asJSON(), 400, "invalid"},
		"two values":                {submissionOf(good) + submissionOf(good), asJSON(), 400, "invalid"},
		"nothing":                   {"", asJSON(), 400, "invalid"},
		"a list":                    {"[" + submissionOf(good) + "]", asJSON(), 400, "invalid"},
		"unknown member":            {strings.Replace(submissionOf(good), `"region"`, `"`+secret+`":1,"region"`, 1), asJSON(), 400, "invalid"},
		"unknown member of a form":  {submissionOf(strings.Replace(good, `"person"`, `"`+secret+`":1,"person"`, 1)), asJSON(), 400, "invalid"},
		"decompression bomb":        {gzipped(t, 100<<20), asJSON("Content-Encoding", "gzip"), 415, "unsupported"},
		"bomb, announced second":    {gzipped(t, 1<<20), asJSON("Content-Encoding", "identity", "Content-Encoding", "gzip"), 415, "unsupported"},
		"unknown encoding":          {submissionOf(good), asJSON("Content-Encoding", "x-"+secret), 415, "unsupported"},
		"another charset":           {submissionOf(good), http.Header{"Content-Type": {"application/json; charset=utf-7"}}, 415, "unsupported"},
		"two media types":           {submissionOf(good), http.Header{"Content-Type": {"application/json", "text/xml"}}, 415, "unsupported"},
		"a form":                    {"application=" + secret, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415, "unsupported"},
		"an event, structured mode": {`{"specversion":"1.0","type":"de.efa.case.closed.v1","source":"urn:efa:operator:bayern"}`, http.Header{"Content-Type": {"application/cloudevents+json"}}, 415, "unsupported"},
		"an event, binary mode":     {`{"step":"x","pass":1}`, asJSON("Ce-Id", "1", "Ce-Type", "de.efa.case.closed.v1", "Ce-Source", "urn:efa:operator:bayern"), 400, "invalid"},
		"one byte too large":        {submissionOf(good) + strings.Repeat(" ", 1<<20-len(submissionOf(good))+1), asJSON(), 413, "too_large"},
	} {
		cases[name] = hostile{http.MethodPost, "/v1/submissions", portal, c.body, c.header, c.status, c.kind}
	}
	long := strings.Repeat(`"`+strings.Repeat("x", 41)+`",`, 20_000)
	cases["20,000 faults at once"] = hostile{
		http.MethodPost, "/v1/contents/" + uuid.NewString() + "/fetch", office, `{"purpose":"notice.register","basis":"eu-gdpr:A6-1-c","fields":[` + long[:len(long)-1] + `]}`, asJSON(), 400, "invalid",
	}
	cases["a body where none belongs"] = hostile{http.MethodGet, "/v1/cases", portal, secret, asJSON(), 400, "invalid"}
	h.refused(t, cases)
}

// TestContentIsTakenUpToItsLimitAndNotOneByteMore stores content of exactly the limit; the byte above is refused by
// TestHostileBodiesAreRefusedAndLeaveNothing.
func TestContentIsTakenUpToItsLimitAndNotOneByteMore(t *testing.T) {
	t.Parallel()
	h, caseID := quiet(t)
	office := h.token("gewerbeamt-muenchen")
	for name, c := range map[string]struct {
		body, mediaType string
	}{
		"pdf":                       {strings.Repeat("%", 10<<20), "application/pdf"},
		"json":                      {`"` + strings.Repeat("x", 1<<20-2) + `"`, "application/json"},
		"json that grows by escape": {`"` + strings.Repeat("<", 1<<20-2) + `"`, "application/json"},
	} {
		target := "/v1/contents/" + uuid.NewString() + "?kind=attachment&case_id=" + caseID
		got := h.call(http.MethodPut, target, office, c.mediaType, c.body)
		if got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	pkg := packageOf(t, registration)
	body := submissionOf(string(pkg.Examples[exampleNames(pkg)[0]]))
	if got := h.call(http.MethodPost, "/v1/submissions", h.token("portal-bayern"), "application/json", body+strings.Repeat(" ", 1<<20-len(body))); got.status != http.StatusCreated {
		t.Errorf("a submission of the limit: %d %s", got.status, got.body)
	}
}

func TestHostileTargetsAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	h, caseID := quiet(t)
	office := h.token("gewerbeamt-muenchen")
	cases := map[string]hostile{}
	for target, c := range map[string]struct {
		status int
		kind   string
	}{
		"/v1//cases":                                   {404, "not_found"},
		"/v1/./cases":                                  {404, "not_found"},
		"/v1/cases/../inbox":                           {404, "not_found"},
		"/v1/cases/%2e%2e/inbox":                       {404, "not_found"},
		"/v1/cases/..%2f..%2fmetrics":                  {404, "not_found"},
		"/v1/contents/..%2f..%2fetc%2fpasswd":          {404, "not_found"},
		"/V1/CASES":                                    {404, "not_found"},
		"/v1/cases/":                                   {404, "not_found"},
		"/v1/cases;admin=1":                            {404, "not_found"},
		"/v1/" + secret:                                {404, "not_found"},
		"/v1/cases/" + secret:                          {400, "invalid"},
		"/v1/cases/{" + caseID + "}":                   {400, "invalid"},
		"/v1/cases/urn:uuid:" + caseID:                 {400, "invalid"},
		"/v1/cases/" + caseID + "%00":                  {400, "invalid"},
		"/v1/tasks/%00" + secret:                       {400, "invalid"},
		"/v1/tasks/%ff" + secret:                       {400, "invalid"},
		"/v1/tasks/%0d%0aSet-Cookie:%20a=b":            {400, "invalid"},
		"/v1/tasks/" + strings.Repeat("x", 81):         {400, "invalid"},
		"/v1/tasks/" + caseID + "%2foutcome":           {404, "not_found"},
		"/v1/tasks/x'%20or%20'1'='1":                   {404, "not_found"},
		"/v1/authorities/..":                           {404, "not_found"},
		"/v1/authorities/BAUAMT":                       {400, "invalid"},
		"/v1/cases?limit=1&limit=2":                    {400, "invalid"},
		"/v1/cases?limit=1;limit=2":                    {400, "invalid"},
		"/v1/cases?limit=%zz":                          {400, "invalid"},
		"/v1/cases?limit=0":                            {400, "invalid"},
		"/v1/cases?limit=501":                          {400, "invalid"},
		"/v1/cases?limit=1e3":                          {400, "invalid"},
		"/v1/cases?limit=9223372036854775808":          {400, "invalid"},
		"/v1/cases?" + secret + "=1":                   {400, "invalid"},
		"/v1/cases?tenant=nuernberg":                   {400, "invalid"},
		"/v1/inbox?authority=ihk-nuernberg":            {400, "invalid"},
		"/v1/cases?after=" + secret:                    {400, "invalid"},
		"/v1/cases?after=%00":                          {400, "invalid"},
		"/v1/tasks?after=%ff":                          {400, "invalid"},
		"/v1/inbox?after=-1.-1":                        {400, "invalid"},
		"/v1/inbox?after=" + secret:                    {400, "invalid"},
		"/v1/inbox?wait_seconds=31":                    {400, "invalid"},
		"/v1/disclosures?after=" + secret:              {400, "invalid"},
		"/v1/tasks?state=" + secret:                    {400, "invalid"},
		"/v1/competences?postcode=8033":                {400, "invalid"},
		"/v1/cases/" + caseID + "/events/%2e%2e":       {404, "not_found"},
		"/v1/cases/" + caseID + "/events?after_seq=-1": {400, "invalid"},
	} {
		cases[target] = hostile{http.MethodGet, target, office, "", nil, c.status, c.kind}
	}
	for _, method := range []string{"TRACE", "OPTIONS", "PROPFIND", "DELETE", secret} {
		cases["method "+method] = hostile{method, "/v1/cases", office, "", nil, 405, "invalid"}
	}
	h.refused(t, cases)
	before := h.rows()["audit_lines"]
	if got := h.raw(t, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); len(got) != 1 || got[0].status != http.StatusNotFound || h.rows()["audit_lines"] != before+1 {
		t.Errorf("OPTIONS *: answers %+v", got)
	}
}

// raw writes bytes to the API's port and reads every answer until the server closes.
func (h *house) raw(t *testing.T, request string) []answer {
	t.Helper()
	u, err := url.Parse(h.program.api)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	var out []answer
	for r := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, answer{resp.StatusCode, resp.Header.Get("Content-Type"), body})
		if resp.Close {
			return out
		}
	}
}

// TestNoRequestCanHideInAnother sends messages whose end two servers see in different places. What stands behind such an
// end is never carried by the token in front of it: it stands on its own, or the connection ends.
func TestNoRequestCanHideInAnother(t *testing.T) {
	t.Parallel()
	h, _ := quiet(t)
	office := h.token("gewerbeamt-muenchen")
	head := func(target, more string) string {
		return target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + office + "\r\n" + more
	}
	inner := "GET /v1/inbox HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		want    []int
	}{
		"two lengths":                    {head("GET /v1/cases", "Content-Length: 0\r\nContent-Length: 5\r\n\r\n") + inner, []int{400}},
		"a length that is none":          {head("GET /v1/cases", "Content-Length: +5\r\n\r\n") + inner, []int{400}},
		"unknown transfer encoding":      {head("GET /v1/cases", "Transfer-Encoding: gzip, chunked\r\n\r\n") + inner, []int{501}},
		"transfer encoding twice":        {head("GET /v1/cases", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") + inner, []int{501}},
		"space before the colon":         {head("GET /v1/cases", "Transfer-Encoding : chunked\r\n\r\n") + inner, []int{400}},
		"a folded header":                {head("GET /v1/cases", "X: a\r\n Transfer-Encoding: chunked\r\n\r\n") + inner, []int{200, 401}},
		"a line break in a header":       {head("GET /v1/cases", "X: a\nAuthorization: Bearer x\r\n\r\n") + inner, []int{401, 401}},
		"two hosts":                      {head("GET /v1/cases", "Host: y\r\n\r\n") + inner, []int{400}},
		"no host":                        {"GET /v1/cases HTTP/1.1\r\nAuthorization: Bearer " + office + "\r\n\r\n" + inner, []int{400}},
		"length and transfer encoding":   {head("GET /v1/cases", "Content-Length: 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") + inner, []int{200, 401}},
		"a request in the body of a GET": {head("GET /v1/cases", fmt.Sprintf("Content-Length: %d\r\nConnection: close\r\n\r\n", len(inner))) + inner, []int{400}},
		"two tokens":                     {head("GET /v1/cases", "Authorization: Bearer x\r\nConnection: close\r\n\r\n"), []int{401}},
		"a header of 40 KiB":             {head("GET /v1/cases", "X: "+strings.Repeat("x", 40<<10)+"\r\n\r\n") + inner, []int{431}},
	} {
		var got []int
		for _, a := range h.raw(t, c.request) {
			got = append(got, a.status)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: statuses %v, want %v", name, got, c.want)
		}
	}
}

func TestForgedTokensAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	h, _ := quiet(t)
	f := newForger(h)
	const id = "gewerbeamt-muenchen"
	good := f.token(id, nil)
	if got := h.call(http.MethodGet, "/v1/cases", good, "", ""); got.status != http.StatusOK {
		t.Fatalf("the token of which all others are changed: %d %s", got.status, got.body)
	}
	public, err := json.Marshal(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	unsigned := func(header string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts[1] + "."
	}
	now := time.Now()
	cases := map[string]hostile{}
	for name, token := range map[string]string{
		"algorithm none":         unsigned(`{"alg":"none","typ":"at+jwt"}`),
		"algorithm None":         unsigned(`{"alg":"None"}`),
		"no algorithm":           unsigned(`{"typ":"at+jwt"}`),
		"signature cut off":      parts[0] + "." + parts[1] + ".",
		"signature of another":   parts[0] + "." + strings.Split(f.token("operator-bayern", nil), ".")[1] + "." + parts[2],
		"public key as secret":   f.sign(jose.HS256, public, f.claims(id, nil)),
		"a key of one's own":     f.sign(jose.ES256, foreignKey(t), f.claims(id, nil)),
		"a key in the header":    f.sign(jose.ES256, jose.JSONWebKey{Key: foreignKey(t), KeyID: f.key.KeyID}, f.claims(id, nil)),
		"a client's key":         f.sign(jose.ES256, h.keyOf(id), f.claims(id, nil)),
		"replayed after its end": f.token(id, map[string]any{"iat": now.Add(-11 * time.Minute).Unix(), "exp": now.Add(-time.Minute).Unix()}),
		"without an end":         f.token(id, map[string]any{"exp": nil}),
		"not yet":                f.token(id, map[string]any{"nbf": now.Add(time.Hour).Unix()}),
		"for somebody else":      f.token(id, map[string]any{"aud": "casework"}),
		"of another issuer":      f.token(id, map[string]any{"iss": "https://elsewhere.example/oidc"}),
		"unknown principal":      f.token(secret, nil),
		"a person as a machine":  f.token("worker-muenchen", nil),
		"a machine as a person":  f.token(id, map[string]any{"kind": "person"}),
		"nobody":                 f.token(id, map[string]any{"sub": nil, "client_id": nil}),
		"9 KiB":                  good + strings.Repeat("A", 9<<10),
		"rubbish":                secret,
		"JSON serialisation":     `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		cases[name] = hostile{http.MethodGet, "/v1/cases", token, "", nil, 401, "unauthenticated"}
	}
	cases["as a query parameter"] = hostile{http.MethodGet, "/v1/cases?access_token=" + good, "", "", nil, 401, "unauthenticated"}
	cases["as another scheme"] = hostile{http.MethodGet, "/v1/cases", "", "", http.Header{"Authorization": {"Basic " + good}}, 401, "unauthenticated"}
	cases["as a cookie"] = hostile{http.MethodGet, "/v1/cases", "", "", http.Header{"Cookie": {"access_token=" + good}}, 401, "unauthenticated"}
	cases["claims of another role"] = hostile{http.MethodGet, "/v1/ledger/verification", f.token(id, map[string]any{"role": "operator", "authority": "", "tenant": "nuernberg"}), "", nil, 403, "denied"}
	h.refused(t, cases)
}

func TestForgedClientAssertionsAreRefusedAndLeaveNothing(t *testing.T) {
	t.Parallel()
	h, _ := quiet(t)
	f := newForger(h)
	const id = "gewerbeamt-muenchen"
	own := h.keyOf(id)
	public, err := json.Marshal(own.Public())
	if err != nil {
		t.Fatal(err)
	}
	claims := func(change map[string]any) map[string]any {
		c := map[string]any{"iss": id, "sub": id, "aud": h.program.issuer, "exp": time.Now().Add(time.Minute).Unix(), "jti": newJTI()}
		maps.Copy(c, change)
		maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
		return c
	}
	form := func(assertion string) hostile {
		return hostile{
			http.MethodPost, "/oidc/token", "", url.Values{
				"grant_type": {"client_credentials"}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
			}.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 401, "",
		}
	}
	used := f.sign(jose.ES256, own, claims(nil))
	if got := h.send(form(used)); got.status != http.StatusOK {
		t.Fatalf("the assertion of which all others are changed: %d %s", got.status, got.body)
	}
	cases := map[string]hostile{
		"replayed":               form(used),
		"replayed after its end": form(f.sign(jose.ES256, own, claims(map[string]any{"exp": time.Now().Add(-time.Second).Unix()}))),
		"public key as secret":   form(f.sign(jose.HS256, public, claims(nil))),
		"algorithm none":         form(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(used, ".")[1] + "."),
		"another client's key":   form(f.sign(jose.ES256, h.keyOf("ihk-muenchen"), claims(nil))),
		"another client's name":  form(f.sign(jose.ES256, own, claims(map[string]any{"iss": "operator-bayern", "sub": "operator-bayern"}))),
		"the provider's key":     form(f.sign(jose.ES256, f.key, claims(nil))),
		"an hour ahead":          form(f.sign(jose.ES256, own, claims(map[string]any{"exp": time.Now().Add(time.Hour).Unix()}))),
		"for another server":     form(f.sign(jose.ES256, own, claims(map[string]any{"aud": "https://elsewhere.example"}))),
		"without a number":       form(f.sign(jose.ES256, own, claims(map[string]any{"jti": nil}))),
		"rubbish":                form(secret),
	}
	secretHeader := form(used)
	secretHeader.header = http.Header{"Content-Type": secretHeader.header["Content-Type"], "Authorization": {"Basic " + secret}}
	cases["a client secret"] = secretHeader
	h.refused(t, cases)
}

// TestOnlyTheTokenSaysWhoAsks sends an office's own token with every other place in which a caller could claim to be
// somebody else; the answer is the office's own, and an event names who acted by the token.
func TestOnlyTheTokenSaysWhoAsks(t *testing.T) {
	t.Parallel()
	h, caseID := quiet(t)
	stranger := h.token("bauamt-muenchen")
	claimed := http.Header{}
	for _, name := range []string{
		"X-Authority", "X-Efa-Authority", "X-Tenant", "X-Forwarded-User", "X-Remote-User", "X-User", "X-Client-Id", "X-Forwarded-For",
		"Forwarded", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "From",
	} {
		claimed[name] = []string{"gewerbeamt-muenchen"}
	}
	list := h.send(hostile{method: http.MethodGet, target: "/v1/cases", bearer: stranger, header: claimed})
	if list.status != http.StatusOK || bytes.Contains(list.body, []byte(caseID)) {
		t.Errorf("%d %s", list.status, list.body)
	}
	h.refused(t, map[string]hostile{
		"the case":    {http.MethodGet, "/v1/cases/" + caseID, stranger, "", claimed, 404, "not_found"},
		"its task":    {http.MethodPost, "/v1/tasks/" + caseID + ".register.1/outcome", stranger, `{"outcome":"registered"}`, mergedHeader(claimed, asJSON()), 404, "not_found"},
		"in the body": {http.MethodPost, "/v1/tasks/" + caseID + ".register.1/outcome", stranger, `{"outcome":"registered","authority":"gewerbeamt-muenchen"}`, asJSON(), 400, "invalid"},
	})
	for name := range claimed {
		claimed[name] = []string{"ihk-muenchen"}
	}
	done := h.send(hostile{
		method: http.MethodPost, target: "/v1/tasks/" + caseID + ".register.1/outcome", bearer: h.token("gewerbeamt-muenchen"),
		body: `{"outcome":"registered"}`, header: mergedHeader(claimed, asJSON()),
	})
	if done.status != http.StatusOK {
		t.Fatalf("%d %s", done.status, done.body)
	}
	acted := map[string]actor.Actor{}
	for _, e := range h.events(caseID, func(events []event.Recorded) bool { return len(events) >= 3 }) {
		acted[e.Type] = e.Actor
	}
	if got := acted[event.TypeCaseSubmitted]; got.ID != "portal-bayern" || got.Role != actor.Portal || got.Authority != "" {
		t.Errorf("submitted by %+v", got)
	}
	if got := acted[event.TypeTaskCompleted]; got.ID != "gewerbeamt-muenchen" || got.Role != actor.System || got.Authority != "gewerbeamt-muenchen" {
		t.Errorf("completed by %+v", got)
	}
}

func mergedHeader(a, b http.Header) http.Header {
	out := a.Clone()
	maps.Copy(out, b)
	return out
}
