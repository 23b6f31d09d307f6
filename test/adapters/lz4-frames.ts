// LZ4 frames as the reference implementation makes them (lz4 1.9, the options beside each), and what they hold.

const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

/** 267 bytes of words, and what the frames of it decompress to. */
export const lz4Text = base64(
  'YmV0YQABAmFscGhhZ2FtbWFhbHBoYWRlbHRhZGVsdGFkZWx0YXdhZGlkZWx0YWJldGFhbHBoYWRlbHRhYWxwaGFkZWx0YWRlbHRhAAECYWxwaGF3YWRpZGVsdGFnYW1tYXdhZGliZXRhAAECYWxwaGFnYW1tYWFscGhhYWxwaGFhbHBoYXdhZGkAAQJhbHBoYWRlbHRhd2FkaWJldGFkZWx0YXdhZGlhbHBoYQABAmJldGFkZWx0YWRlbHRhAAECYmV0YWdhbW1hYmV0YXdhZGliZXRhZGVsdGFnYW1tYWFscGhhZGVsdGEAAQJ3YWRpYWxwaGFiZXRhd2FkaXdhZGlnYW1tYWFscGhh',
);

export const lz4Frames = {
  '--no-frame-crc': base64(
    'BCJNGGBAgpQAAADxAmJldGEAAQJhbHBoYWdhbW1hCgBHZGVsdAUAQXdhZGkOAAAuAAYhAAYKAAEdAARHAAUuAAFQAAAOAAA3AAQeAAEVAAE6AAYFAAAkAAQgAAFLAAARAAA1AAUNAAEsADUAAQIVAAEaAAMRAAFTAAAaAAk3AAEWAAE4AAQsAAAfAAERAAQsAAARAKBnYW1tYWFscGhhAAAAAA==',
  ),
  'content checksum': base64(
    'BCJNGGRAp5QAAADxAmJldGEAAQJhbHBoYWdhbW1hCgBHZGVsdAUAQXdhZGkOAAAuAAYhAAYKAAEdAARHAAUuAAFQAAAOAAA3AAQeAAEVAAE6AAYFAAAkAAQgAAFLAAARAAA1AAUNAAEsADUAAQIVAAEaAAMRAAFTAAAaAAk3AAEWAAE4AAQsAAAfAAERAAQsAAARAKBnYW1tYWFscGhhAAAAAIsMS6k=',
  ),
  '--content-size': base64(
    'BCJNGGxACwEAAAAAAAAXlAAAAPECYmV0YQABAmFscGhhZ2FtbWEKAEdkZWx0BQBBd2FkaQ4AAC4ABiEABgoAAR0ABEcABS4AAVAAAA4AADcABB4AARUAAToABgUAACQABCAAAUsAABEAADUABQ0AASwANQABAhUAARoAAxEAAVMAABoACTcAARYAATgABCwAAB8AAREABCwAABEAoGdhbW1hYWxwaGEAAAAAiwxLqQ==',
  ),
  '-BX, block checksums': base64(
    'BCJNGHRAvZQAAADxAmJldGEAAQJhbHBoYWdhbW1hCgBHZGVsdAUAQXdhZGkOAAAuAAYhAAYKAAEdAARHAAUuAAFQAAAOAAA3AAQeAAEVAAE6AAYFAAAkAAQgAAFLAAARAAA1AAUNAAEsADUAAQIVAAEaAAMRAAFTAAAaAAk3AAEWAAE4AAQsAAAfAAERAAQsAAARAKBnYW1tYWFscGhhh9XL+AAAAACLDEup',
  ),
};

/** 144,000 bytes of '0123456789abcdef' over and over, in three blocks of at most 64 KiB. */
export const lz4BigText = new Uint8Array(Buffer.alloc(144_000, '0123456789abcdef'));

export const lz4BigFrames = {
  '-BD, linked blocks': base64(
    'BCJNGERAXhsBAAD/ATAxMjM0NTY3ODlhYmNkZWYQAP/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////YUGJjZGVmGwEAAP8BMDEyMzQ1Njc4OWFiY2RlZhAA/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////9hQYmNkZWZNAAAA/wEwMTIzNDU2Nzg5YWJjZGVmEAD//////////////////////////////////////////////////////////////////4pQYmNkZWYAAAAAOiRx9A==',
  ),
  '-BI -BX --content-size': base64(
    'BCJNGHxAgDICAAAAAAA9GwEAAP8BMDEyMzQ1Njc4OWFiY2RlZhAA/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////9hQYmNkZWZT3l6cGwEAAP8BMDEyMzQ1Njc4OWFiY2RlZhAA/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////9hQYmNkZWZT3l6cTQAAAP8BMDEyMzQ1Njc4OWFiY2RlZhAA//////////////////////////////////////////////////////////////////+KUGJjZGVmapeofAAAAAA6JHH0',
  ),
};

/** Compressed with a dictionary that its header does not even name. */
export const lz4WithDictionary = base64(
  'BCJNGGRAp4UAAAAhYmUlAAEhAAEdAAEKAAE8AAYFAEF3YWRpDgA3YmV0IQAGCgABHQAERwAFLgABUABPd2FkaWUAAwE/AAEFAER3YWRpPgABSwAENQAFDQABJwA1AAECFQABGgADEQABaAArYmU3AAEWAAE4AAQsAAkkAfADd2FkaXdhZGlnYW1tYWFscGhhAAAAAIsMS6k=',
);

/** The frame of Linux kernels and of lz4 before 1.4. */
export const lz4Legacy = base64(
  'AiFMGJQAAADxAmJldGEAAQJhbHBoYWdhbW1hCgBHZGVsdAUAQXdhZGkOAAAuAAYhAAYKAAEdAARHAAUuAAFQAAAOAAA3AAQeAAEVAAE6AAYFAAAkAAQgAAFLAAARAAA1AAUNAAEsADUAAQIVAAEaAAMRAAFTAAAaAAk3AAEWAAE4AAQsAAAfAAERAAQsAAARAKBnYW1tYWFscGhh',
);
