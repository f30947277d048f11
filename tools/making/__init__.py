"""Making files: `operations.py` (what can be asked), `steps.py` (each as bcftools commands), `pipeline.py` (running
them), `exports.py` (where the files go), `tables.py` (TSV, Parquet, BED)."""
