"""Model cards: CycloneDX ML-BOMs under the officers' signatures."""
