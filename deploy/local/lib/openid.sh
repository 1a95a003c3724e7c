# shellcheck shell=bash
# The embedded OpenID provider as a process. In production Keycloak stands in its place.

openid_issuer() { echo "http://127.0.0.1:$(port openid)/oidc"; }

openid_start() {
	start openid "$(port openid)" env -i "PATH=$PATH" EFA_LOG_FORMAT=json "EFA_OPERATOR=$operator" "$bin/standalone" openid --data "$state/openid" --listen "127.0.0.1:$(port openid)" \
		--callbacks "http://127.0.0.1:$(port broker-1),http://127.0.0.1:$(port broker-2)"
}

openid_ready() { curl -fsS -m 5 "$(openid_issuer)/.well-known/openid-configuration"; }
