/**
 * The commit log on RocksDB: facts with their hash chain, what follows from them in column families, and blobs.
 *
 * <p>The only package that may name RocksDB. Rules measured before they were written down: WAL recovery never skips a broken
 * record, checksums are verified when it opens, one batch per command, and after an I/O error only closing and opening helps.
 */
@NullMarked
package dev.flywheel.store.rocksdb;

import org.jspecify.annotations.NullMarked;
