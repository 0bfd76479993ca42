"""The site's messages in other languages; `policies.locale` reads them."""
