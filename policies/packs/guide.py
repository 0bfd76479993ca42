"""The README of a pack: what it holds, what it proves, and how to check it offline."""

from __future__ import annotations

from policies.packs.gathering import Pack, stamp_name

_FIRST_CHECK = """\
(sha256sum --check --strict --quiet SHA256SUMS || exit 1; echo "files: right")"""

# A line of each file in log/ and records/ is what was hashed: no line break ends it.
_LOG_CHECK = """\
(for f in log/*.json; do
  grep -qF "$(sha256sum < "$f" | cut -c1-64)" log/*.json log/HEAD \\
    || { echo "WRONG: nothing later names $f"; exit 1; }
done; echo "log: right")"""
_RECORD_CHECK = """\
(for f in records/*.json; do
  grep -qF "$(sha256sum < "$f" | cut -c1-64)" log/*.json records/*.json \\
    || { echo "WRONG: the log does not name $f"; exit 1; }
done; echo "records: right")"""
_BODY_CHECK = """\
(for f in captures/*.body; do
  grep -qF "\\"sha256:$(sha256sum < "$f" | cut -c1-64)\\"" records/capture-*.json \\
    || { echo "WRONG: no capture was of $f"; exit 1; }
done; echo "bodies: right")"""
_TEXT_CHECK = """\
(for f in texts/*.txt; do
  grep -qF "$({ echo %s; cat "$f"; } | sha256sum | cut -c1-64)" records/*.json \\
    || { echo "WRONG: no version was of $f"; exit 1; }
done; echo "texts: right")"""
_WARC_CHECK = """\
(gzip -t captures/%(role)s.warc.gz \\
  && gzip -dc captures/%(role)s.warc.gz | tail -c +%(first)d | head -c %(size)d \\
    | cmp - captures/%(role)s.body || exit 1
echo "%(role)s.warc.gz: right")"""
_STAMP_CHECK = """\
openssl ts -verify -data log/%(seq)012d.json -in %(file)s -CAfile AUTHORITY.pem"""


def checks(pack: Pack) -> list[str]:
    """The shell commands that check a pack, in its folder; timestamps left out."""
    commands = [_FIRST_CHECK, _LOG_CHECK, _RECORD_CHECK]
    bodies = [kept for kept in pack.captures if kept.holder is not None]
    if bodies:
        commands.append(_BODY_CHECK)
    commands += [
        _WARC_CHECK % {"role": kept.role, "first": kept.body_at + 1, "size": kept.size}
        for kept in bodies
    ]
    if pack.texts:
        commands.append(_TEXT_CHECK % pack.lang)
    return commands


def readme(pack: Pack) -> str:
    """The README, English and then French, with the commands of this pack."""
    commands = "\n\n".join(_indented(command) for command in checks(pack))
    texts = [_ENGLISH, _FRENCH]
    archived = any(kept.is_resource for kept in pack.captures)
    parts = []
    for text in texts:
        parts.append(text["head"] % {"kind": text[pack.kind], "id": pack.id})
        parts.append(text["contents"])
        parts.append(text["check"] % {"commands": commands, "head": pack.head.seq})
        if pack.stamped:
            stamps = "\n\n".join(
                _indented(_STAMP_CHECK % {"seq": s.seq, "file": stamp_name(n, s)})
                for n, s in enumerate(pack.stamped, 1)
            )
            parts.append(text["stamps"] % {"commands": stamps})
        parts += [text["proves"], text["again"]]
        if archived:
            parts.append(text["archived"])
    return "\n".join(parts)


def _indented(command: str) -> str:
    return "\n".join(f"    {line}" for line in command.splitlines())


_ENGLISH = {
    "change": "change",
    "version": "version",
    "capture": "capture",
    "head": """\
EVIDENCE FOR %(kind)s %(id)s
(La version française suit.)

Earwitness watches what the makers of voice assistants publish about people listening to what
you say. This folder holds all that one of its findings rests on. You need nobody to check it:
the commands below use sha256sum, grep, gzip and cmp, and no network.
""",
    "contents": """\
WHAT IS IN HERE

captures/*.warc.gz      what the server sent, as kept on the day (WARC 1.1; opens in warcio, pywb)
captures/*.body         the body alone, byte for byte. It may be a web page with scripts: look at
                        it in a text editor rather than in a browser
captures/*.headers.txt  the headers that came with it
texts/*.txt             the text that was read from it
diff.html, diff.txt     what changed (of a change only); the page loads and runs nothing
explain.json            by which rules it was believed, with their numbers
records/*.json          the rows of the store
log/*.json, log/HEAD    entries of the log, up to its head when this pack was made
timestamps/*.tsr        an authority's word on when the log stood there (if it was asked for one)
manifest.json           all of this for programs
SHA256SUMS              the SHA-256 of every file

"before" and "after" are the first captures of the two versions; "confirming" is the later capture
that showed the new text again.
""",
    "check": """\
HOW TO CHECK IT

Open a shell in this folder and run:

%(commands)s

The first command shows that nothing was damaged on the way. The others need no trust in the
list of sums: each file of log/ is one line whose SHA-256 a later entry names as "previous" or as
"skip" (a shortcut), up to log/HEAD; each record's SHA-256 stands in an entry; each body's and
each text's SHA-256 stands in a record.

That ties everything to log/HEAD, which is entry %(head)s. Compare it with a head that you noted
down earlier, that somebody else noted, or that the server says today: /v1/log?id=... gives any
entry. An entry marked "backfilled" was written when the log was begun, for a row older than it.
""",
    "stamps": """\
TIMESTAMPS

A timestamping authority (RFC 3161) signed that it saw the hash of an entry. Get the authority's
certificate from the authority itself, save it as AUTHORITY.pem, and run:

%(commands)s

It says "Verification: OK". So that entry, and all that it is chained to, was there at that time:
`openssl ts -reply -text -in FILE` tells when.
""",
    "proves": """\
WHAT THIS PROVES, AND WHAT NOT

It proves that these bytes, this text and this diff belong together and to this log, and that none
was altered since the log had this head. (Of the headers the log holds the status, the addresses,
ETag and Last-Modified only.) It does not prove by itself that the server sent them:
WARC holds no signature of the server. For that there are the timestamps, heads noted by others, and
other archives of the same page. What Earwitness makes of the words (topics) is its own reading.
""",
    "again": """\
WHEN THIS IS MADE AGAIN

At the same head of the log the whole archive is the same, byte for byte. Later the log has gone on:
log/ and manifest.json lead to a later head, and the page's title, our topics and our rules may be
other ones. captures/ and texts/ stay as they are, byte for byte: compare their lines in SHA256SUMS.
""",
    "archived": """\
ABOUT WARC RECORDS OF THE KIND "resource"

A capture with "warc_record": "resource" in manifest.json was not fetched by Earwitness. It is a
text from another archive, Open Terms Archive, which had read the page and kept its text; the
address names where it lies there. It proves what that archive recorded and when, not what the
server sent: there are no headers and no page as it was served.
""",
}
_FRENCH = {
    "change": "la modification",
    "version": "la version",
    "capture": "la capture",
    "head": """\
--------------------------------------------------------------------------------------------

PREUVES POUR %(kind)s %(id)s

Earwitness surveille ce que les fabricants d’assistants vocaux publient sur l’écoute, par des
personnes, de ce que vous dites. Ce dossier contient tout ce sur quoi repose l’un de ses
constats. Vous pouvez le vérifier seul : les commandes ci-dessous n’utilisent que sha256sum, grep,
gzip et cmp, sans réseau.
""",
    "contents": """\
CE QU’IL CONTIENT

captures/*.warc.gz      ce que le serveur a envoyé, tel que conservé ce jour-là (WARC 1.1)
captures/*.body         le corps seul, octet pour octet. Il peut s’agir d’une page avec des
                        scripts : regardez-la dans un éditeur plutôt que dans un navigateur
captures/*.headers.txt  les en-têtes reçus avec lui
texts/*.txt             le texte qui en a été lu
diff.html, diff.txt     ce qui a changé (pour une modification) ; la page n’exécute rien
explain.json            par quelles règles il a été cru, avec leurs nombres
records/*.json          les lignes de la base
log/*.json, log/HEAD    les entrées du journal, jusqu’à sa tête quand ce dossier a été fait
timestamps/*.tsr        la parole d’une autorité sur la date (si on la lui a demandée)
manifest.json           tout cela pour les programmes
SHA256SUMS              le SHA-256 de chaque fichier

« before » et « after » sont les premières captures des deux versions ; « confirming » est la
capture ultérieure qui a montré le nouveau texte une seconde fois.
""",
    "check": """\
COMMENT LE VÉRIFIER

Ouvrez un terminal dans ce dossier et lancez :

%(commands)s

La première commande montre que rien n’a été abîmé en route. Les autres ne se fient pas à la liste
des sommes : chaque fichier de log/ est une ligne dont une entrée ultérieure nomme le SHA-256
(« previous », ou « skip » pour un raccourci), jusqu’à log/HEAD ; le SHA-256 de chaque ligne de la
base figure dans une entrée ; celui de chaque corps et de chaque texte, dans une de ces lignes.

Tout est ainsi lié à log/HEAD, l’entrée %(head)s. Comparez-la à une tête que vous, ou quelqu’un
d’autre, avez notée, ou à ce que dit le serveur aujourd’hui : /v1/log?id=... donne toute entrée.
Une entrée marquée « backfilled » a été écrite au début du journal, pour une ligne plus ancienne.
""",
    "stamps": """\
HORODATAGES

Une autorité d’horodatage (RFC 3161) a signé qu’elle a vu l’empreinte d’une entrée. Demandez son
certificat à l’autorité elle-même, enregistrez-le sous AUTHORITY.pem, et lancez :

%(commands)s

La réponse est « Verification: OK ». Cette entrée, et tout ce qui la précède dans la chaîne,
existait donc à cette date : `openssl ts -reply -text -in FICHIER` dit laquelle.
""",
    "proves": """\
CE QUE CELA PROUVE, ET CE QUE CELA NE PROUVE PAS

Cela prouve que ces octets, ce texte et ces différences vont ensemble et avec ce journal, et que
rien n’a été modifié depuis que le journal a cette tête. (Des en-têtes, le journal ne tient que le
statut, les adresses, ETag et Last-Modified.) Cela ne prouve pas à soi seul que le
serveur les a envoyés : un WARC ne porte pas de signature du serveur. Pour cela, il y a les
horodatages, les têtes notées par d’autres et d’autres archives de la même page. Ce qu’Earwitness
comprend des mots (les thèmes) est sa propre lecture.
""",
    "again": """\
QUAND CE DOSSIER EST REFAIT

À la même tête du journal, l’archive entière est la même, octet pour octet. Plus tard, le journal a
continué : log/ et manifest.json mènent à une tête ultérieure, et le titre de la page, nos thèmes et
nos règles peuvent être autres. captures/ et texts/ restent tels quels, octet pour octet : comparez
leurs lignes dans SHA256SUMS.
""",
    "archived": """\
À PROPOS DES ENREGISTREMENTS WARC « resource »

Une capture avec "warc_record": "resource" dans manifest.json n’a pas été faite par Earwitness.
C’est un texte d’une autre archive, Open Terms Archive, qui avait lu la page et gardé son texte ;
l’adresse dit où il s’y trouve. Elle prouve ce que cette archive a noté, et quand, non ce que le
serveur a envoyé : il n’y a ni en-têtes ni page telle que servie.
""",
}
