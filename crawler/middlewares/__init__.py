"""What happens to every request and its answer, on its way between spider and network.

robots     a site's robots.txt first
retries    again, later, where that may help
redirects  where an answer leads
decoding   what was compressed
pace       one at a time to a host, and how far apart
bounds     no more of an answer than the limit
"""
