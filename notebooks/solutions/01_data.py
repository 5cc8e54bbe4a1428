"""Solutions to the exercises of 01_data.ipynb, in place of `answer = ...`."""
# ruff: noqa: F821 (the names are the notebook's)

# Exercise 1: f - 8 to f + 7 is -5 to 10, and there is nothing before frame 1
answer = [1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

# Exercise 2: perfect, but deaf
ious = []
for sample in train.samples:
    masks_there, numbers, _ = train.frame_masks(sample.video_id, sample.frame)
    meant = masks_there[numbers.tolist().index(sample.instance)]
    ious.append(intersection_over_union(masks_there.any(axis=0), meant))
answer = np.mean(ious)

# Exercise 3: the words said once do not make the vocabulary
frequent = acga.Vocabulary.from_queries(
    (query for _, _, query in queries), minimum_count=2
)
said = [word for query in test_queries for word in tokenise(query)]
answer = np.mean([word not in frequent for word in said])

# Exercise 4: a thin line in a column that no pixel of the square looks at
answer = np.zeros((144, 176), bool)
answer[20:124, 5] = True


# Exercise 5: count the different indices of each clip
def share_repeated(length: int) -> float:
    clips = [
        geometry.clip_indices(frame - 1, len(jhmdb.read_video(name)), length)
        for name, frame in jhmdb.annotated_frames
    ]
    return 1 - sum(len(set(clip.tolist())) for clip in clips) / (length * len(clips))


answer = (share_repeated(16), share_repeated(32))


# Exercise 6: give a 2-D array its first axis back, then swap the last two
def read_masks(stored: np.ndarray) -> np.ndarray:
    return stored.reshape(-1, *stored.shape[-2:]).transpose(0, 2, 1) > 0


answer = read_masks
