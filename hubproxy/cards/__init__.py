"""Model cards: CycloneDX 1.6 ML-BOMs (ECMA-424) under the officers' signatures.

A card is plain JSON that a person has filled in. `template` begins one with what the module
itself says, `check` is what it must pass before it is signed, `bom` joins a site's.
"""
