// Makes ids of a label unique, as the migrations do for the labels of the model of UnisonOS.
CREATE CONSTRAINT IF NOT EXISTS FOR (n:`%label%`) REQUIRE n.id IS UNIQUE
