"""Histories from elsewhere, as captures that are judged like our own.

ota   versions repositories of Open Terms Archive (git)
"""
