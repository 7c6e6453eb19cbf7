from unison_storage_conformance import suite

TestJsonFolder = suite("jsonfolder:///data")
